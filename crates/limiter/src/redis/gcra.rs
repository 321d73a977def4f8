use std::{sync::LazyLock, time::Duration};

use driftstack_domain::limit::{Quota, Verdict};
use redis::{Script, ScriptInvocation};

use crate::quota;

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("gcra.lua")));

/// A quota in the units of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gcra {
    /// In microseconds, which is as fine as the clock of Redis is. Rounded up: never more than the quota gives.
    interval: u64,
    capacity: u32,
}

/// What the script answers: whether the charge was allowed, and the microseconds until the bucket is full.
pub(super) type Answer = (bool, u64);

impl Gcra {
    pub(super) fn of(quota: Quota) -> Self {
        let interval = quota::interval(quota).as_nanos().div_ceil(1000);
        Self { interval: u64::try_from(interval).unwrap_or(u64::MAX), capacity: quota.capacity() }
    }

    /// One charge of the bucket with this name.
    pub(super) fn charge(self, bucket: &str) -> ScriptInvocation<'static> {
        let mut charge = SCRIPT.key(bucket);
        charge.arg(self.interval).arg(self.capacity);
        charge
    }

    pub(super) fn verdict(self, (allowed, full_after): Answer) -> Verdict {
        // A token that has come back in part is still missing.
        let missing = u32::try_from(full_after.div_ceil(self.interval)).unwrap_or(u32::MAX);
        let all_but_one = self.interval.saturating_mul(u64::from(self.capacity - 1));
        let retry_after = if allowed { 0 } else { full_after.saturating_sub(all_but_one) };
        Verdict {
            allowed,
            remaining: self.capacity.saturating_sub(missing),
            full_after: Duration::from_micros(full_after),
            retry_after: Duration::from_micros(retry_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const SECOND: Duration = Duration::from_secs(1);

    #[rstest]
    #[case::as_it_is(Quota::new(60, 30, 60 * SECOND), 2_000_000)]
    #[case::rounded_up(Quota::new(5, 3, SECOND), 333_334)]
    #[case::too_fast_to_count(Quota::new(5, u32::MAX, SECOND), 1)]
    #[case::no_period(Quota::new(5, 1, Duration::ZERO), 1)]
    fn an_interval_is_whole_microseconds(#[case] quota: Quota, #[case] interval: u64) {
        assert_eq!(Gcra::of(quota), Gcra { interval, capacity: quota.capacity() });
    }

    /// Lua counts in doubles, and Redis expires keys by signed milliseconds.
    #[rstest]
    fn the_longest_time_is_a_whole_number_in_lua(#[values(1, 2, 1_000_003, u32::MAX)] capacity: u32) {
        let Gcra { interval, .. } = Gcra::of(Quota::new(capacity, 1, Duration::MAX));
        let (year_2100, empty) = (4_102_444_800_000_000, interval * u64::from(capacity));
        assert!(year_2100 + empty < 1 << 53 && empty + interval < 1 << 53);
    }

    #[rstest]
    #[case::one_is_gone((true, 2_000_000), (2, 0))]
    #[case::half_of_it_is_back((true, 3_000_000), (1, 0))]
    #[case::the_last((true, 6_000_000), (0, 0))]
    #[case::refused_at_once((false, 6_000_000), (0, 2_000_000))]
    #[case::refused_at_the_last_moment((false, 4_000_001), (0, 1))]
    fn an_answer_is_a_verdict(#[case] answer: Answer, #[case] (remaining, retry_after): (u32, u64)) {
        let quota = Quota::new(3, 1, 2 * SECOND);
        let full_after = Duration::from_micros(answer.1);
        let retry_after = Duration::from_micros(retry_after);
        let expected = Verdict { allowed: answer.0, remaining, full_after, retry_after };
        assert_eq!(Gcra::of(quota).verdict(answer), expected);
    }
}
