//! Days of the calendar, in UTC.

use std::fmt;

use chrono::{DateTime, Datelike, Utc};

use crate::time::{DAY, Timestamp};

/// A day in UTC, by its number since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

const DAY_MILLIS: i64 = 86_400_000;

impl Day {
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    pub const fn number(self) -> i32 {
        self.0
    }

    /// The day on which that is.
    pub fn of(at: Timestamp) -> Self {
        // A timestamp ends with the year 9999, some three million days after 1970.
        Self(i32::try_from(at.millis().div_euclid(DAY_MILLIS)).unwrap_or(i32::MAX))
    }

    /// Its first millisecond; the first of 1970 for a day before.
    pub fn start(self) -> Timestamp {
        let millis = i64::from(self.0.max(0)).saturating_mul(DAY_MILLIS);
        Timestamp::from_millis(millis).unwrap_or(Timestamp::MAX)
    }

    /// The first millisecond after it.
    pub fn end(self) -> Timestamp {
        self.start().plus(DAY)
    }

    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The first day of its month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        self.plus(1 - i32::try_from(self.date().day()).unwrap_or(1))
    }

    /// The first day of the month after its own.
    #[must_use]
    pub fn first_of_next_month(self) -> Self {
        // No month has 32 days, and none has fewer than 28.
        self.first_of_month().plus(31).first_of_month().max(self.first_of_month().plus(28).first_of_month())
    }

    fn date(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.start().millis()).unwrap_or_default()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date().format("%Y-%m-%d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn day(text: &str) -> Day {
        Day::of(format!("{text}T12:00:00Z").parse().unwrap())
    }

    #[rstest]
    #[case("2026-01-31", "2026-01-01", "2026-02-01")]
    #[case("2026-02-01", "2026-02-01", "2026-03-01")]
    #[case("2028-02-29", "2028-02-01", "2028-03-01")]
    #[case("2026-04-30", "2026-04-01", "2026-05-01")]
    #[case("2026-12-31", "2026-12-01", "2027-01-01")]
    fn months(#[case] within: &str, #[case] first: &str, #[case] next: &str) {
        assert_eq!(day(within).first_of_month(), day(first));
        assert_eq!(day(within).first_of_next_month(), day(next));
        assert_eq!(day(within).to_string(), within);
    }

    proptest! {
        #[test]
        fn a_moment_lies_within_its_day(millis in 0..Timestamp::MAX.millis()) {
            let at = Timestamp::from_millis(millis).unwrap();
            let day = Day::of(at);
            prop_assert!(day.start() <= at && at < day.end().max(Timestamp::MAX));
            prop_assert_eq!(Day::of(day.start()), day);
            prop_assert_eq!(day.plus(1).start(), day.end());
        }
    }
}
