//! The stores of driftstack on diesel.
//!
//! There is one source of queries, `queries/`, and an engine below it. `queries/` is compiled once for each engine
//! through `#[path]`, over that engine's `dialect`: the connection type, how a transaction begins, and what its errors
//! mean. So a compile error is an ordinary diesel message about concrete types, and no query is written twice. The tables
//! (`schema`), how the domain's types lie in them (`types`) and how rows are read (`rows`) do not depend on an
//! engine, and are compiled once.
//!
//! * [`SqliteStore`] keeps everything in one file: one thread writes, and whoever asks reads.
//! * [`PostgresStore`] keeps it in Postgres, for a service of several processes.
//!
//! Everything a store MUST do is said in the ports of the domain and tested by `driftstack-store-contract`.

// For the code of `tests/` that a test in here shares: it calls this crate by its name.
#[cfg(test)]
extern crate self as driftstack_store;

mod account_bells;
mod bell;
mod cached;
#[cfg(test)]
mod hot_reads;
mod migration;
#[cfg(feature = "postgres")]
mod postgres;
mod rows;
mod schema;
mod types;

#[cfg(feature = "sqlite")]
mod sqlite;

pub use migration::{MigrateError, MigrationReport};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresError, PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{OpenError, SqliteStore};
