//! The contract on `SQLite`, and what is this engine's own.

// Test code outside a `#[test]`, where clippy does not see that it is one.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod backend;
mod cancelled;
mod corrupt;
mod file;
mod log;
mod numbers;
mod owners;
mod parity;
mod postgres;
mod silence;
mod tls;

use backend::sqlite_file;
use postgres::postgres_database;

driftstack_store_contract::store_contract!(on_sqlite, sqlite_file);
driftstack_store_contract::store_contract!(on_postgres, postgres_database);
