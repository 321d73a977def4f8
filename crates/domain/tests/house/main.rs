//! What reviewers of this house read and rely on: the policy as a golden file, its reference page, and who depends on whom.

#![allow(clippy::expect_used, clippy::panic, reason = "a test speaks by panicking")]

mod golden;
mod matrix;
mod purity;
mod reference;
