//! The servers that driftstack is tested with: real ones, on free ports of this machine. Each ends when the test does, also when
//! that is killed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod database;
mod keeper;
mod port;
mod postgres;
mod redis;
mod smtp;

pub use database::{Database, client};
pub use port::free_port;
pub use postgres::Postgres;
pub use redis::Redis;
pub use smtp::{Received, Smtp};
pub use tokio_postgres::Client;
