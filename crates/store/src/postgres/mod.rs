//! Postgres, for a service of several processes.
//!
//! Everything runs on a connection of the runtime that asks. A write runs in a task of its own there: a request that is
//! dropped in the middle of a transaction would leave it half done and its connection of no use.

mod connect;
mod dialect;
mod lanes;
mod listener;
mod migrate;
#[cfg(test)]
mod plans;
mod pools;
#[cfg(test)]
mod prepared;
#[allow(clippy::duplicate_mod, reason = "one source of queries, compiled once for each engine")]
#[path = "../queries/mod.rs"]
mod queries;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use diesel_async::pooled_connection::deadpool::Object;
use driftstack_domain::{change::StoreError, id::AccountId, notify::Ear};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::{runtime::Handle, task::AbortHandle, time::timeout};

use crate::{
    account_bells::AccountBells,
    bell::Bell,
    migration::{MigrateError, MigrationReport},
};
use connect::Connector;
use dialect::{Conn, Fault};
use lanes::Lanes;
use pools::Pools;

/// What the queries call the store of their engine.
use PostgresStore as Store;
pub use connect::{PostgresError, PostgresOptions};

/// A store in a Postgres database. Clones share its connections.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    pools: Pools,
    lanes: Lanes,
    connector: Connector,
    /// For one operation. The server ends a statement that takes too long; this is for a server that says nothing any more.
    patience: Duration,
    mail_written: Bell,
    event_written: Bell,
    link_wanted: Bell,
    severe_entry: AccountBells,
    /// What rings for other processes, once somebody here follows a log.
    listener: OnceLock<AbortHandle>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop_listening();
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostgresStore")
    }
}

impl PostgresStore {
    /// Nothing is connected yet, so a database that is away is no error here.
    ///
    /// # Errors
    /// When the options make no sense, or a file that they name cannot be read.
    pub fn open(options: &PostgresOptions) -> Result<Self, PostgresError> {
        let connector = Connector::new(options)?;
        let pools = Pools::new(connector.clone(), options.clone());
        let (mail_written, event_written, link_wanted) = (Bell::default(), Bell::default(), Bell::default());
        let patience = options.patience();
        let (severe_entry, listener) = (AccountBells::default(), OnceLock::new());
        let lanes = Lanes::new(options.connect_timeout);
        let inner = Inner {
            pools,
            lanes,
            connector,
            patience,
            mail_written,
            event_written,
            link_wanted,
            severe_entry,
            listener,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Brings the tables up to what this binary knows. Of several processes that start together one does it, and the others
    /// wait.
    ///
    /// # Errors
    /// Nothing is touched when a newer binary was here already.
    pub async fn migrate(&self) -> Result<MigrationReport, MigrateError> {
        migrate::run(&self.0.connector).await
    }

    /// Whether the tables are those that this binary knows.
    ///
    /// # Errors
    /// When migrations are missing, or unknown ones are there.
    pub async fn check_schema(&self) -> Result<(), MigrateError> {
        migrate::check(&self.0.connector).await
    }

    /// Answers when the store can be read.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(|c| queries::ping(c).boxed()).await
    }

    /// How many connections there are, and how many of them nobody uses.
    pub fn connections(&self) -> (usize, usize) {
        self.0.pools.connections()
    }

    /// Closes the connections. Whatever is asked for afterwards is [`StoreError::Unavailable`].
    #[allow(clippy::unused_async, reason = "the other engine waits here")]
    pub async fn close(self) {
        self.0.stop_listening();
        self.0.pools.close();
    }

    fn severe_entry(&self) -> &AccountBells {
        &self.0.severe_entry
    }

    fn listen(&self, account: AccountId) -> Box<dyn Ear> {
        let ear = self.0.severe_entry.listen(account);
        self.0
            .listener
            .get_or_init(|| listener::start(self.0.connector.clone(), self.0.severe_entry.clone(), &Handle::current()));
        ear
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

    async fn read<R, F>(&self, query: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
    {
        Ok(self.0.run(query).await?)
    }

    /// Runs `change` in a transaction of its own.
    async fn write<R, F>(&self, change: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
    {
        self.write_holding(Vec::new(), change).await
    }

    /// The same for a change that holds these accounts.
    async fn write_holding<R, F>(&self, accounts: Vec<AccountId>, change: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        to_its_end(async move {
            let _places = inner.lanes.enter(accounts).await?;
            inner.run(|c| dialect::transaction(c, change).boxed()).await
        })
        .await
    }

    /// Runs a change of one statement, which is a transaction by itself.
    async fn write_one<R, F>(&self, change: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        to_its_end(async move { inner.run(change).await }).await
    }
}

/// Runs a write in a task of its own: whoever asked for it may be gone before it has ended.
async fn to_its_end<R: Send + 'static>(
    write: impl Future<Output = Result<R, Fault>> + Send + 'static,
) -> Result<R, Fault> {
    let done = tokio::spawn(write).await;
    done.map_err(|error| StoreError::Failed(format!("a write was not finished: {error}")))?
}

impl Inner {
    fn stop_listening(&self) {
        if let Some(listener) = self.listener.get() {
            listener.abort();
        }
    }

    /// Runs an operation on a connection of its own. One that has gone silent is thrown away: whoever got it next would wait
    /// as well.
    async fn run<R, F>(&self, operation: F) -> Result<R, Fault>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>>,
    {
        let mut conn = self.pools.checkout().await?;
        let Ok(done) = timeout(self.patience, operation(&mut conn)).await else {
            drop(Object::take(conn));
            return Err(StoreError::Unavailable("the database does not answer".to_owned()).into());
        };
        done
    }
}
