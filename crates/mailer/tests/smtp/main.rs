//! Mail by SMTP, to a real server: aiosmtpd.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

mod arrival;
mod authority;
mod connections;
mod encryption;
mod mails;
mod refusals;
mod sign_in;
