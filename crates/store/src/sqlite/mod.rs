//! Everything in one `SQLite` file.
//!
//! A read happens on the thread that asks for it. Writes run on one thread of this store, each as a whole: so a write is never
//! refused because of another one, and runs to its end even if nobody waits for the answer any more.

mod anchor;
mod dialect;
mod file;
mod migrate;
#[cfg(test)]
mod plans;
#[path = "../queries/mod.rs"]
mod queries;
mod readers;
mod writer;

use std::{path::Path, sync::Arc};

use driftstack_domain::{change::StoreError, id::AccountId, notify::Ear};
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    account_bells::AccountBells,
    bell::Bell,
    migration::{MigrateError, MigrationReport},
};
use dialect::{Conn, Fault};
use file::File;
use readers::Readers;
use writer::Writer;

/// What the queries call the store of their engine.
use SqliteStore as Store;
pub use file::OpenError;

/// A store in one `SQLite` file. Clones are handles of the same one.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    writer: Writer,
    readers: Readers,
    mail_written: Bell,
    event_written: Bell,
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
        let writer = Writer::start(Arc::clone(&file)).await?;
        let readers = Readers::open(file)?;
        let (mail_written, event_written, link_wanted) = (Bell::default(), Bell::default(), Bell::default());
        let severe_entry = AccountBells::default();
        Ok(Self(Arc::new(Inner { writer, readers, mail_written, event_written, link_wanted, severe_entry })))
    }

    /// Brings the tables up to what this binary knows.
    ///
    /// # Errors
    /// Nothing is touched when a newer binary was here already.
    pub async fn migrate(&self) -> Result<MigrationReport, MigrateError> {
        self.0.writer.run(|c| now(migrate::run(c).boxed())).await??
    }

    /// Answers when the store can be read.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(|c| queries::ping(c).boxed()).await
    }

    /// Lets what is queued run to its end and leaves a tidy file behind. Whatever is asked for afterwards, through any
    /// handle, is [`StoreError::Unavailable`].
    pub async fn close(self) {
        // A reader that is still open would keep the WAL from being emptied.
        self.0.readers.close();
        self.0.writer.stop().await;
    }

    fn mail_written(&self) -> &Bell {
        &self.0.mail_written
    }

    fn event_written(&self) -> &Bell {
        &self.0.event_written
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

    #[allow(clippy::unused_async, reason = "the other engine waits here")]
    async fn read<R, F>(&self, query: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
    {
        Ok(self.0.readers.run(|c| now(query(c)))???)
    }

    /// Runs `change` in a transaction of its own.
    async fn write<R, F>(&self, change: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
    {
        self.write_one(|c| dialect::transaction(c, change).boxed()).await
    }

    /// The same for a change that holds these accounts: whoever writes holds all.
    async fn write_holding<R, F>(&self, _: Vec<AccountId>, change: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
    {
        self.write(change).await
    }

    /// Runs a change of one statement, which is a transaction by itself.
    async fn write_one<R, F>(&self, change: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
    {
        self.0.writer.run(|c| now(change(c))).await??
    }
}

/// A query on this thread's own connection has its answer the first time it is asked.
fn now<T>(answer: BoxFuture<'_, T>) -> Result<T, StoreError> {
    answer.now_or_never().ok_or_else(|| StoreError::Failed("a query on SQLite waited for something".to_owned()))
}
