//! The service: settings, the composition root, HTTP, workers and commands around the domain crate.

pub mod blob_health;
pub mod cli;
pub mod config;
pub mod http;
mod log;
mod metrics;
pub mod serve;
pub mod system;
pub mod wire;
pub mod worker;
