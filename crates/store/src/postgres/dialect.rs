//! What the queries need to know of Postgres.

use chrono::{DateTime, Utc};
use diesel::{
    define_sql_function,
    deserialize::{self, FromSql},
    pg::{Pg, PgValue},
    prelude::*,
    result::{DatabaseErrorKind, Error},
    select,
    serialize::{self, Output, ToSql},
    sql_types,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, methods::LoadQuery};
use driftstack_domain::{id::AccountId, time::Timestamp};
use futures_util::future::BoxFuture;
use uuid::Uuid;

pub(super) use super::queries::Fault;
use super::{listener::CHANNEL, queries::Held};
use crate::{
    schema::{accounts, avatars, mails, webhook_endpoints},
    types::{Id, Key, Millis, Moment, b},
};

pub(super) type Db = Pg;
pub(super) type Conn = AsyncPgConnection;

/// Runs `body` in a transaction. An error of it rolls back.
pub(super) async fn transaction<R, F>(c: &mut Conn, body: F) -> Result<R, Fault>
where
    R: Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, Fault>> + Send + 'static,
{
    c.transaction(async move |c| body(c).await).await
}

/// Statements of which none waits for another's answer: the next is sent while the server works on the one before.
macro_rules! execute_both {
    ($conn:expr, $first:expr, $second:expr) => {{
        let (mut first, mut second): (&Conn, &Conn) = (&*$conn, &*$conn);
        futures_util::try_join!($first.execute(&mut first), $second.execute(&mut second))
    }};
}
pub(super) use execute_both;

/// The rows of a query that every request pays for.
pub(super) async fn rows<'q, Q, R>(c: &mut Conn, query: Q) -> QueryResult<Vec<R>>
where
    Q: LoadQuery<'q, Conn, R> + 'q,
    R: Send,
{
    query.load(c).await
}

/// Holds an account until the end of the transaction. Rows that refer to it may be added meanwhile: a stronger lock would
/// have their authors wait.
pub(super) async fn hold(c: &mut Conn, id: AccountId) -> Result<Option<Held>, Fault> {
    let held = accounts::table.find(b(&id)).select(Held::columns()).for_no_key_update();
    Ok(held.get_result(c).await.optional()?)
}

/// Tells every process, when the transaction commits, that an account has a severe entry. Those that tell commit one after the
/// other.
pub(super) async fn announce(c: &mut Conn, account: AccountId) -> Result<(), Fault> {
    define_sql_function! {
        fn pg_notify(channel: sql_types::Text, payload: sql_types::Text);
    }
    select(pg_notify(CHANNEL, account.to_string())).execute(c).await?;
    Ok(())
}

/// The mails that are due and that no other worker is claiming.
pub(super) async fn due_mails(c: &mut Conn, now: Timestamp, limit: i64) -> QueryResult<Vec<Key>> {
    let due = mails::table.filter(mails::due_at.le(b(&Some(now)))).order((mails::due_at, mails::id));
    due.limit(limit).select(mails::id).for_update().skip_locked().load(c).await
}

/// The pictures that are to be swept and that no other worker is claiming.
pub(super) async fn due_avatars(c: &mut Conn, now: Timestamp, limit: i64) -> QueryResult<Vec<String>> {
    let due = avatars::table.filter(avatars::sweep_at.le(b(&Some(now)))).order((avatars::sweep_at, avatars::key));
    due.limit(limit).select(avatars::key).for_update().skip_locked().load(c).await
}

/// The endpoint that has waited longest, of those to which nobody delivers and that no other worker is claiming.
pub(super) async fn due_endpoint(c: &mut Conn, now: Timestamp) -> QueryResult<Option<Key>> {
    let due = webhook_endpoints::table.filter(webhook_endpoints::due_at.le(b(&Some(now))));
    let free = due.filter(webhook_endpoints::leased_until.le(b(&now)));
    let first = free.order((webhook_endpoints::due_at, webhook_endpoints::id)).limit(1).select(webhook_endpoints::id);
    // A weaker lock than for an update: those who write a delivery refer to the endpoint.
    Ok(first.for_no_key_update().skip_locked().load(c).await?.pop())
}

/// The name of the violated unique constraint.
pub(super) fn violated(error: &Error) -> Option<&'static str> {
    const KNOWN: [&str; 6] = [
        "accounts_email_key",
        "accounts_slug_key",
        "profiles_name_key",
        "memberships_active_key",
        "invites_open_key",
        "activations_user_code_key",
    ];
    let Error::DatabaseError(DatabaseErrorKind::UniqueViolation, about) = error else { return None };
    let name = about.constraint_name()?;
    KNOWN.into_iter().find(|known| *known == name)
}

/// Whether a later try may succeed.
pub(super) fn is_passing(error: &Error) -> bool {
    // What diesel has no kind for is told by its text.
    const PASSING: [&str; 9] = [
        "terminating connection",
        "the database system is",
        "canceling statement due to",
        "deadlock detected",
        "sorry, too many clients",
        "remaining connection slots",
        "connection closed",
        "error communicating with the server",
        "could not serialize access",
    ];
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::SerializationFailure,
            _,
        )
        | Error::BrokenTransactionManager
        | Error::AlreadyInTransaction
        | Error::NotInTransaction => true,
        Error::DatabaseError(_, about) => PASSING.iter().any(|text| about.message().contains(text)),
        Error::RollbackErrorOnCommit { rollback_error, commit_error } => {
            is_passing(rollback_error) || is_passing(commit_error)
        }
        _ => false,
    }
}

impl FromSql<Id, Pg> for Key {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(value).map(Self)
    }
}

impl ToSql<Id, Pg> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <Uuid as ToSql<sql_types::Uuid, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<Moment, Pg> for Millis {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let at = <DateTime<Utc> as FromSql<sql_types::Timestamptz, Pg>>::from_sql(value)?;
        Ok(Self(at.timestamp_millis()))
    }
}

impl ToSql<Moment, Pg> for Millis {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let at = DateTime::<Utc>::from_timestamp_millis(self.0).ok_or("a time that no calendar has")?;
        <DateTime<Utc> as ToSql<sql_types::Timestamptz, Pg>>::to_sql(&at, &mut out.reborrow())
    }
}
