//! The contract on `SQLite`, and what is this engine's own.

// Test code outside a `#[test]`, where clippy does not see that it is one.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod backend;
mod cancelled;
mod corrupt;
mod file;
mod log;

use backend::sqlite_file;

driftstack_store_contract::store_contract!(sqlite, sqlite_file);
