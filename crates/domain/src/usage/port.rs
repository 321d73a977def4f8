use std::ops::RangeInclusive;

use async_trait::async_trait;

use super::{day::Day, minutes::DayMinutes};
use crate::{change::StoreError, id::AccountId, time::Timestamp};

/// What is known of the use of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenUsage {
    /// The minutes of sessions that have ended, at most one entry a day, in no order.
    pub ended: Vec<DayMinutes>,
    /// When each session began that runs.
    pub running_since: Vec<Timestamp>,
}

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UsageStore: Send + Sync {
    /// The minutes of those days, and every session that runs, as of one moment: a session that ends meanwhile is in one of the
    /// two. MUST NOT read more than the days and the running sessions.
    async fn seen_usage(&self, account: AccountId, days: RangeInclusive<Day>) -> Result<SeenUsage, StoreError>;
}
