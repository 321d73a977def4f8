//! Every query, once. Compiled for each engine, over its `dialect`.
//!
//! A file holds what one port asks for: its reads are plain functions over a connection, its commits are the bodies that
//! the [`frame`] runs. Reads that pages are made of take one statement, and its text is always the same, so that it is
//! prepared once.
//!
//! A row that is found by its key is asked for with `get_result`. `first` would add a `LIMIT` with a bound number, at which
//! SQLite looks when it plans: it would plan the statement anew each time.

pub(super) mod account;
pub(super) mod activation;
pub(super) mod api_key;
pub(super) mod audit;
pub(super) mod auth;
pub(super) mod avatar;
pub(super) mod caller;
pub(super) mod challenge;
pub(super) mod delivery;
pub(super) mod ending;
mod fault;
mod frame;
pub(super) mod holding;
mod idempotency;
pub(super) mod invite;
mod link;
pub(super) mod mail;
pub(super) mod membership;
mod mfa;
pub(super) mod organisation;
mod page;
mod preference;
pub(super) mod profile;
mod room;
pub(super) mod session;
pub(super) mod staff;
mod team;
mod transfer;
pub(super) mod usage;
pub(super) mod web_session;
pub(super) mod webhook;

use diesel::{IntoSql, select, sql_types::Integer};
use diesel_async::RunQueryDsl;

use super::dialect::{self, Conn, Db};
pub(super) use fault::Fault;
pub(super) use frame::Held;

/// What a query answers.
type Answer<T> = Result<T, Fault>;

pub(super) async fn ping(c: &mut Conn) -> Answer<()> {
    select(1.into_sql::<Integer>()).execute(c).await?;
    Ok(())
}

impl driftstack_domain::store::Store for super::Store {}
