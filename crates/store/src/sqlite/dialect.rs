//! What the queries need to know of `SQLite`.

use std::error::Error as StdError;

use diesel::{
    connection::AnsiTransactionManager,
    deserialize::{self, FromSql},
    prelude::*,
    query_dsl::methods::LoadQuery,
    result::{DatabaseErrorKind, Error},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{BigInt, Binary},
    sqlite::{Sqlite, SqliteConnection},
};
use diesel_async::{
    AsyncConnection, RunQueryDsl, TransactionManager,
    sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper},
};
use driftstack_domain::{id::AccountId, time::Timestamp};
use futures_util::{FutureExt, future::BoxFuture};
use uuid::Uuid;

pub(super) use super::queries::Fault;
use super::queries::Held;
use crate::{
    schema::{accounts, avatars, mails, webhook_endpoints},
    types::{Id, Key, Millis, Moment, b},
};

pub(super) type Db = Sqlite;
pub(super) type Conn = SyncConnectionWrapper<SqliteConnection, Inline>;
type Transactions = <Conn as AsyncConnection>::TransactionManager;

/// Runs every statement where it is called: the thread is one of this store's own.
#[derive(Debug)]
pub(super) struct Inline;

impl SpawnBlocking for Inline {
    fn spawn_blocking<'a, R: Send + 'static>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn StdError + Send + Sync>>> {
        futures_util::future::ready(Ok(task())).boxed()
    }

    fn get_runtime() -> Self {
        Self
    }
}

/// Takes the lock on the file at once. A transaction that begins by reading and then wants to write fails if anybody has
/// written in between, however long it is willing to wait.
pub(super) async fn begin(c: &mut Conn) -> QueryResult<()> {
    c.spawn_blocking(|c| AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")).await
}

/// Runs `body` in a transaction. An error of it rolls back.
pub(super) async fn transaction<R, F>(c: &mut Conn, body: F) -> Result<R, Fault>
where
    F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>>,
{
    begin(c).await?;
    let done = match body(c).await {
        Ok(done) => Transactions::commit_transaction(c).await.map(|()| done).map_err(Fault::from),
        Err(fault) => Err(fault),
    };
    if done.is_err() && !is_idle(c) {
        // Should this fail too, then the connection is not idle and will be replaced.
        let _ = Transactions::rollback_transaction(c).await;
    }
    done
}

/// There is no process besides this one to be told.
#[allow(clippy::unused_async, reason = "the other engine waits here")]
pub(super) async fn announce(_: &mut Conn, _: AccountId) -> Result<(), Fault> {
    Ok(())
}

/// Whether no transaction is open.
pub(super) fn is_idle(c: &mut Conn) -> bool {
    matches!(Transactions::transaction_manager_status_mut(c).transaction_depth(), Ok(None))
}

/// Statements of which none waits for another's answer. Here they come one after the other all the same.
macro_rules! execute_both {
    ($conn:expr, $first:expr, $second:expr) => {
        match $first.execute($conn).await {
            Ok(first) => $second.execute($conn).await.map(|second| (first, second)),
            Err(error) => Err(error),
        }
    };
}
pub(super) use execute_both;

/// The rows of a query that every request pays for, read by diesel itself: the wrapper around its connection would write the
/// statement's text anew each time, and copy each row.
pub(super) async fn rows<Q, R>(c: &mut Conn, query: Q) -> QueryResult<Vec<R>>
where
    Q: LoadQuery<'static, SqliteConnection, R> + Send + 'static,
    R: Send + 'static,
{
    c.spawn_blocking(move |c| query.internal_load(c)?.collect()).await
}

/// Holds an account until the end of the transaction. A writing transaction holds the whole file already.
pub(super) async fn hold(c: &mut Conn, id: AccountId) -> Result<Option<Held>, Fault> {
    Ok(accounts::table.find(b(&id)).select(Held::columns()).get_result(c).await.optional()?)
}

/// The mails that are due. Nobody else can be claiming: a writing transaction holds the whole file.
pub(super) async fn due_mails(c: &mut Conn, now: Timestamp, limit: i64) -> QueryResult<Vec<Key>> {
    let due = mails::table.filter(mails::due_at.le(b(&Some(now)))).order((mails::due_at, mails::id));
    due.limit(limit).select(mails::id).load(c).await
}

/// The pictures that are to be swept. Nobody else can be claiming: a writing transaction holds the whole file.
pub(super) async fn due_avatars(c: &mut Conn, now: Timestamp, limit: i64) -> QueryResult<Vec<String>> {
    let due = avatars::table.filter(avatars::sweep_at.le(b(&Some(now)))).order((avatars::sweep_at, avatars::key));
    due.limit(limit).select(avatars::key).load(c).await
}

/// The endpoint that has waited longest, of those to which nobody delivers. Nobody else can be claiming: a writing transaction
/// holds the whole file.
pub(super) async fn due_endpoint(c: &mut Conn, now: Timestamp) -> QueryResult<Option<Key>> {
    let due = webhook_endpoints::table.filter(webhook_endpoints::due_at.le(b(&Some(now))));
    let free = due.filter(webhook_endpoints::leased_until.le(b(&now)));
    let first = free.order((webhook_endpoints::due_at, webhook_endpoints::id)).limit(1).select(webhook_endpoints::id);
    Ok(first.load(c).await?.pop())
}

/// The name that the violated unique constraint has in the other engine too.
pub(super) fn violated(error: &Error) -> Option<&'static str> {
    let Error::DatabaseError(DatabaseErrorKind::UniqueViolation, about) = error else { return None };
    let columns = about.message().strip_prefix("UNIQUE constraint failed: ")?;
    match columns {
        "accounts.email" => Some("accounts_email_key"),
        "accounts.slug" => Some("accounts_slug_key"),
        "memberships.owner, memberships.member" => Some("memberships_active_key"),
        "invites.owner, invites.email" => Some("invites_open_key"),
        "profiles.account, profiles.name" => Some("profiles_name_key"),
        "activations.user_code" => Some("activations_user_code_key"),
        _ => None,
    }
}

/// Whether a later try may succeed. diesel passes `SQLite`'s result codes on as their texts.
pub(super) fn is_passing(error: &Error) -> bool {
    const PASSING: [&str; 5] = [
        "database is locked",
        "database table is locked",
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
    ];
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::SerializationFailure,
            _,
        )
        | Error::BrokenTransactionManager => true,
        Error::DatabaseError(_, about) => PASSING.contains(&about.message()),
        _ => false,
    }
}

impl FromSql<Id, Sqlite> for Key {
    fn from_sql(value: <Sqlite as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
    }
}

impl ToSql<Id, Sqlite> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Moment, Sqlite> for Millis {
    fn from_sql(value: <Sqlite as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Sqlite>>::from_sql(value).map(Self)
    }
}

impl ToSql<Moment, Sqlite> for Millis {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0);
        Ok(IsNull::No)
    }
}
