//! The Redis limiter on a real server, which the tests start themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod away;
mod backend;
mod bucket;
mod proxy;
mod secret;
mod seen;
mod server;
mod shared;
mod tls;

use driftstack_domain::{
    limit::{Bucket, LimitKey},
    testing::people::OLIVE,
};

const KEY: LimitKey = LimitKey::Account(OLIVE, Bucket::Global);
