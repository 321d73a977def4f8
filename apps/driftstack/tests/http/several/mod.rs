//! Several processes on one Postgres and one Redis, as they are deployed.

mod killed;
mod limit;
mod mails;
mod metrics;
mod next_request;
mod notifications;
mod start;
mod webhooks;
