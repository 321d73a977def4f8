//! Everything in one `SQLite` file.
//!
//! Whole operations run on threads of this store: one that writes, and some that read. So a write is never refused because
//! of another one, and whatever is begun runs to its end even if nobody waits for the answer any more.

mod dialect;
mod file;
mod migrate;
#[cfg(test)]
mod plans;
#[path = "../queries/mod.rs"]
mod queries;
mod threads;

use std::{path::Path, sync::Arc};

use driftstack_domain::{change::StoreError, id::AccountId, notify::Ear};
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    account_bells::AccountBells,
    bell::Bell,
    migration::{MigrateError, MigrationReport},
};
use dialect::{Conn, Fault};
use file::{File, Use};
use threads::{Queue, Unwanted};

/// What the queries call the store of their engine.
use SqliteStore as Store;
pub use file::OpenError;

/// In WAL mode readers never wait for the writer, and two are enough to keep two cores busy.
const READERS: usize = 2;

/// A store in one `SQLite` file. Clones are handles of the same one.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    writer: Queue,
    readers: Queue,
    mail_written: Bell,
    link_wanted: Bell,
    severe_entry: AccountBells,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteStore")
    }
}

impl SqliteStore {
    /// Opens the file, and makes it (readable by its owner alone) and its folder where they are missing.
    ///
    /// It does not migrate: an empty file has no tables before [`Self::migrate`].
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let file = Arc::new(File::prepare(path)?);
        // The writer first: it is what turns a new file into one with a WAL.
        let writer = Queue::start(Arc::clone(&file), Use::Writing, 1).await?;
        let readers = Queue::start(file, Use::Reading, READERS).await?;
        let (mail_written, link_wanted) = (Bell::default(), Bell::default());
        let severe_entry = AccountBells::default();
        Ok(Self(Arc::new(Inner { writer, readers, mail_written, link_wanted, severe_entry })))
    }

    /// Brings the tables up to what this binary knows.
    ///
    /// # Errors
    /// Nothing is touched when a newer binary was here already.
    pub async fn migrate(&self) -> Result<MigrationReport, MigrateError> {
        self.0.writer.run(Unwanted::RunAllTheSame, |c| now(migrate::run(c).boxed())).await??
    }

    /// Answers when the store can be read.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(|c| queries::ping(c).boxed()).await
    }

    /// Lets what is queued run to its end and leaves a tidy file behind. Whatever is asked for afterwards, through any
    /// handle, is [`StoreError::Unavailable`].
    pub async fn close(self) {
        // A reader that is still open would keep the WAL from being emptied.
        self.0.readers.stop().await;
        self.0.writer.stop().await;
    }

    fn mail_written(&self) -> &Bell {
        &self.0.mail_written
    }

    fn link_wanted(&self) -> &Bell {
        &self.0.link_wanted
    }

    fn severe_entry(&self) -> &AccountBells {
        &self.0.severe_entry
    }

    fn listen(&self, account: AccountId) -> Box<dyn Ear> {
        self.0.severe_entry.listen(account)
    }

    async fn read<R, F>(&self, query: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
    {
        Ok(self.0.readers.run(Unwanted::Skip, |c| now(query(c))).await???)
    }

    /// Runs `change` in a transaction of its own.
    async fn write<R, F>(&self, change: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
    {
        self.0.writer.run(Unwanted::RunAllTheSame, |c| now(dialect::transaction(c, change).boxed())).await??
    }
}

/// A query on this thread's own connection has its answer the first time it is asked.
fn now<T>(answer: BoxFuture<'_, T>) -> Result<T, StoreError> {
    answer.now_or_never().ok_or_else(|| StoreError::Failed("a query on SQLite waited for something".to_owned()))
}
