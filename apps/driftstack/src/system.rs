//! The clock and the ids of the real world.

use driftstack_domain::{
    id::Ids,
    time::{Clock, Timestamp},
};
use uuid::Uuid;

/// The system's clock.
#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the time comes from")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(chrono::Utc::now().timestamp_millis()).unwrap_or(Timestamp::MAX)
    }
}

/// Version 7 UUIDs, ascending within the process.
#[derive(Debug)]
pub struct V7Ids;

impl Ids for V7Ids {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where ids come from")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}
