use std::time::Duration;

use driftstack_domain::limit::Quota;

/// A hundred years. Governor counts nanoseconds in 64 bits, which is 584 years, and adds without looking.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// The time in which one token comes back, as this limiter counts it: at least a nanosecond, and so short that an empty bucket
/// is full again within [`LONGEST`]. Only a quota that nobody could tell from "never" is changed by that.
pub(crate) fn interval(quota: Quota) -> Duration {
    let shortest = Duration::from_nanos(1);
    quota.replenish_interval().min(LONGEST / quota.capacity()).max(shortest)
}

/// The same quota for governor.
pub(crate) fn for_governor(quota: Quota) -> governor::Quota {
    let burst = quota.burst();
    // Governor refuses an interval of zero, which the above never is.
    governor::Quota::with_period(interval(quota)).map_or(governor::Quota::per_second(burst), |it| it.allow_burst(burst))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::as_it_is(Quota::new(60, 30, Duration::from_mins(1)), Duration::from_secs(2))]
    #[case::endless(Quota::new(1, 1, Duration::MAX), LONGEST)]
    #[case::endless_and_wide(Quota::new(u32::MAX, 1, Duration::MAX), LONGEST / u32::MAX)]
    #[case::too_fast_to_count(Quota::new(1, u32::MAX, Duration::from_nanos(1)), Duration::from_nanos(1))]
    #[case::no_period(Quota::new(5, 1, Duration::ZERO), Duration::from_nanos(1))]
    fn an_interval_can_be_counted(#[case] quota: Quota, #[case] expected: Duration) {
        assert_eq!(interval(quota), expected);
        let counted = for_governor(quota);
        assert_eq!((counted.replenish_interval(), counted.burst_size()), (expected, quota.burst()));
    }
}
