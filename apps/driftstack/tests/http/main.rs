//! The service as a client sees it: a real server on a free port, a real database, real mails; only the clock is ours.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unchecked_time_subtraction,
    clippy::unwrap_used,
    reason = "a test that fails may panic"
)]

mod account;
mod api_keys;
mod audit_log;
mod auth;
mod commands;
mod conventions;
mod deployment;
mod email_change;
mod email_preferences;
mod endurance;
mod faults;
mod fixture;
mod invites;
mod limits;
mod links;
mod mail_folder;
mod members;
mod mfa;
#[cfg(feature = "otel")]
mod otel;
mod process;
mod reference;
mod several;
mod strangers;
mod team;
mod web_sessions;
mod workspace;
