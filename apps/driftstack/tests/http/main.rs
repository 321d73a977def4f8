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
mod account_export;
mod activations;
mod admin;
mod api_keys;
mod at_rest;
mod audit_log;
mod auth;
mod avatar;
mod commands;
mod conventions;
mod deployment;
mod email_change;
mod email_preferences;
mod ending;
mod endurance;
mod enumeration;
mod faults;
mod fixture;
mod idempotency;
mod invites;
mod limits;
mod links;
mod mail_folder;
mod members;
mod mfa;
mod notifications;
mod organisation;
#[cfg(feature = "otel")]
mod otel;
mod process;
mod profiles;
mod receiver;
mod reference;
mod seats;
mod sessions;
mod several;
mod strangers;
mod stream;
mod team;
mod usage;
mod web_sessions;
mod webhooks;
mod workspace;
