//! The service as a client sees it: a real server on a free port, a real database, real mails; only the clock is ours.

mod account;
mod api_keys;
mod audit_log;
mod auth;
mod conventions;
mod email_preferences;
mod fixture;
mod invites;
mod limits;
mod members;
mod reference;
mod strangers;
mod team;
mod workspace;
