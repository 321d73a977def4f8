//! Rate limits: buckets, quotas, and the port that counts.

use std::{num::NonZeroU32, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{id::AccountId, secret::Digest, word::words};

words! {
    /// A token bucket that every account has.
    Bucket, BucketError, "bucket" {
        /// Every authenticated call that has no bucket of its own.
        Global = "global",
        SessionsCreate = "sessions:create",
    }
}

/// A token bucket: so many at once, and so many more in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    capacity: NonZeroU32,
    refill: NonZeroU32,
    period: Duration,
}

impl Quota {
    /// A capacity or refill of zero would be a door that never opens: it becomes one.
    pub const fn new(capacity: u32, refill: u32, period: Duration) -> Self {
        Self { capacity: at_least_one(capacity), refill: at_least_one(refill), period }
    }

    pub const fn capacity(&self) -> u32 {
        self.capacity.get()
    }

    pub const fn burst(&self) -> NonZeroU32 {
        self.capacity
    }

    /// The time in which one token comes back.
    pub fn replenish_interval(&self) -> Duration {
        self.period / self.refill.get()
    }

    pub fn refill_per_second(&self) -> f64 {
        f64::from(self.refill.get()) / self.period.as_secs_f64()
    }
}

const fn at_least_one(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => NonZeroU32::MIN,
    }
}

/// Whose bucket is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKey {
    Account(AccountId, Bucket),
    /// Everybody who acts in the organisation of that account, together.
    Organisation(AccountId),
    /// Something without an account, such as a client address together with what it does. Only its digest is kept.
    Anonymous(Digest),
}

/// What became of one charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub allowed: bool,
    /// Whole tokens that are left.
    pub remaining: u32,
    /// Until the bucket is full again.
    pub full_after: Duration,
    /// Until the next token; zero when the charge was allowed.
    pub retry_after: Duration,
}

/// Counts.
///
/// An implementation MUST let a fresh key take `capacity` charges at once and MUST give one back every
/// [`Quota::replenish_interval`]. A refused charge MUST NOT push the bucket further out. Keys MUST NOT share tokens.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Limiter: Send + Sync {
    async fn charge(&self, key: LimitKey, quota: Quota) -> Verdict;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_knows_its_pace() {
        let quota = Quota::new(60, 30, Duration::from_mins(1));
        assert_eq!(quota.replenish_interval(), Duration::from_secs(2));
        assert!((quota.refill_per_second() - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn no_quota_is_a_closed_door() {
        let quota = Quota::new(0, 0, Duration::from_secs(1));
        assert_eq!((quota.capacity(), quota.replenish_interval()), (1, Duration::from_secs(1)));
    }
}
