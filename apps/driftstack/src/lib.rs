//! The service: settings, the composition root, HTTP, workers and commands around the domain crate.

pub mod blob_health;
pub mod cli;
pub mod config;
pub mod doors;
pub mod http;
mod log;
mod metrics;
mod readiness;
pub mod serve;
pub mod system;
mod tables;
mod trace;
pub mod wire;
pub mod worker;
