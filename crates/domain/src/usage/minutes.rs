//! How long sessions have lasted.

use super::day::Day;
use crate::time::Timestamp;

/// Minutes that belong to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayMinutes {
    pub day: Day,
    pub minutes: i64,
}

const MINUTE_MILLIS: i64 = 60_000;

/// The minutes that a session has begun from its start until then, each on the day on which it began.
///
/// So a minute counts once, on one day, and days add up to any period without rounding.
pub fn minutes_by_day(start: Timestamp, until: Timestamp) -> Vec<DayMinutes> {
    let mut days = Vec::new();
    let (mut day, mut counted) = (Day::of(start), 0);
    while day.start() < until {
        let total = begun(start, day.end().min(until));
        if total > counted {
            days.push(DayMinutes { day, minutes: total - counted });
        }
        counted = total;
        day = day.plus(1);
        if day.start() == Timestamp::MAX {
            break;
        }
    }
    days
}

/// How many minutes of a session begin before `end`.
fn begun(start: Timestamp, end: Timestamp) -> i64 {
    let millis = end.millis().saturating_sub(start.millis()).max(0);
    millis / MINUTE_MILLIS + i64::from(millis % MINUTE_MILLIS > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::nothing("2026-05-12T13:00:00Z", "2026-05-12T13:00:00Z", &[])]
    #[case::before("2026-05-12T13:00:00Z", "2026-05-12T12:00:00Z", &[])]
    #[case::a_moment("2026-05-12T13:00:00Z", "2026-05-12T13:00:00.001Z", &[("2026-05-12", 1)])]
    #[case::a_whole_minute("2026-05-12T13:00:00Z", "2026-05-12T13:01:00Z", &[("2026-05-12", 1)])]
    #[case::begun_on_the_day_before("2026-05-12T23:59:30Z", "2026-05-13T00:00:30Z", &[("2026-05-12", 1)])]
    #[case::over_midnight("2026-05-12T23:58:30Z", "2026-05-13T00:01:00Z", &[("2026-05-12", 2), ("2026-05-13", 1)])]
    #[case::a_day_between("2026-05-12T23:00:00Z", "2026-05-14T01:00:00Z", &[("2026-05-12", 60), ("2026-05-13", 1440), ("2026-05-14", 60)])]
    fn a_minute_counts_where_it_begins(#[case] start: &str, #[case] until: &str, #[case] expected: &[(&str, i64)]) {
        let counted = minutes_by_day(at(start), at(until));
        let shown: Vec<_> = counted.iter().map(|it| (it.day.to_string(), it.minutes)).collect();
        let expected: Vec<_> = expected.iter().map(|(day, minutes)| ((*day).to_owned(), *minutes)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_end_of_time_is_reached() {
        assert_eq!(minutes_by_day(at("9999-12-31T23:59:00Z"), Timestamp::MAX).len(), 1);
    }

    proptest! {
        #[test]
        fn the_days_add_up(start in 1_700_000_000_000_i64..1_800_000_000_000, lasts in 0_i64..400_000_000) {
            let (from, until) = (Timestamp::from_millis(start).unwrap(), Timestamp::from_millis(start + lasts).unwrap());
            let days = minutes_by_day(from, until);
            prop_assert_eq!(days.iter().map(|it| it.minutes).sum::<i64>(), (lasts + 59_999) / 60_000);
            prop_assert!(days.iter().all(|it| (1..=1440).contains(&it.minutes)));
        }
    }
}
