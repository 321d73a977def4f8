//! Reading what a workspace has used.

use std::{ops::RangeInclusive, sync::Arc};

use super::{
    day::Day,
    minutes::{DayMinutes, minutes_by_day},
    port::{SeenUsage, UsageStore},
};
use crate::{
    access::Permit,
    change::StoreError,
    policy::action::{ReadUsage, ReadUsageSeries},
    tier::Tier,
    time::{Clock, Timestamp},
};

/// How many days a series has: 1 to 90, 30 unless told. The last one is today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number from 1 to {}", Days::MAX)]
pub struct DaysError;

impl Days {
    pub const MAX: u8 = 90;

    fn until(self, today: Day) -> RangeInclusive<Day> {
        today.plus(1 - i32::from(self.0))..=today
    }
}

impl Default for Days {
    fn default() -> Self {
        Self(30)
    }
}

impl std::str::FromStr for Days {
    type Err = DaysError;

    fn from_str(text: &str) -> Result<Self, DaysError> {
        text.parse().ok().filter(|days| (1..=Self::MAX).contains(days)).map(Self).ok_or(DaysError)
    }
}

/// A calendar month in UTC, up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodUsage {
    pub start: Timestamp,
    /// The first moment that does not belong to it.
    pub end: Timestamp,
    pub tier: Tier,
    pub session_minutes: i64,
}

/// What the sessions of a workspace use.
pub struct Usage {
    store: Arc<dyn UsageStore>,
    clock: Arc<dyn Clock>,
}

impl Usage {
    pub fn new(store: Arc<dyn UsageStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// The month that it is.
    pub async fn period(&self, by: &Permit<ReadUsage>) -> Result<PeriodUsage, StoreError> {
        let now = self.clock.now();
        let today = Day::of(now);
        let (first, next) = (today.first_of_month(), today.first_of_next_month());
        let seen = self.store.seen_usage(by.workspace(), first..=today).await?;
        let session_minutes = by_day(&seen, first..=today, now).iter().map(|it| it.minutes).sum();
        let tier = by.access().workspace_tier;
        Ok(PeriodUsage { start: first.start(), end: next.start(), tier, session_minutes })
    }

    /// Every day of so many, oldest first, also those on which there was nothing.
    pub async fn series(&self, by: &Permit<ReadUsageSeries>, days: Days) -> Result<Vec<DayMinutes>, StoreError> {
        let now = self.clock.now();
        let days = days.until(Day::of(now));
        let seen = self.store.seen_usage(by.workspace(), days.clone()).await?;
        Ok(by_day(&seen, days, now))
    }
}

fn by_day(seen: &SeenUsage, days: RangeInclusive<Day>, now: Timestamp) -> Vec<DayMinutes> {
    let running: Vec<_> = seen.running_since.iter().flat_map(|since| minutes_by_day(*since, now)).collect();
    let all = || seen.ended.iter().chain(&running);
    let numbers = days.start().number()..=days.end().number();
    let of = |day| all().filter(|it| it.day == day).map(|it| it.minutes).sum();
    numbers.map(Day::from_number).map(|day| DayMinutes { day, minutes: of(day) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{FixedClock, people},
        usage::MockUsageStore,
    };

    fn usage(seen: SeenUsage) -> Usage {
        let mut store = MockUsageStore::new();
        store.expect_seen_usage().returning(move |_, _| Ok(seen.clone()));
        Usage::new(Arc::new(store), Arc::new(FixedClock(people::NOW)))
    }

    fn seen() -> SeenUsage {
        let today = Day::of(people::NOW);
        SeenUsage {
            ended: vec![DayMinutes { day: today.plus(-2), minutes: 7 }, DayMinutes { day: today, minutes: 5 }],
            // One since midnight, one for an hour: it is one o'clock in the afternoon.
            running_since: vec![today.start(), people::EARLIER],
        }
    }

    #[tokio::test]
    async fn a_series_has_every_day() {
        let today = Day::of(people::NOW);
        let series = usage(seen()).series(&people::permit(), "3".parse().unwrap()).await.unwrap();
        let expected = [(today.plus(-2), 7), (today.plus(-1), 0), (today, 5 + 60 + 13 * 60)];
        assert_eq!(series, expected.map(|(day, minutes)| DayMinutes { day, minutes }));
    }

    #[tokio::test]
    async fn a_period_is_the_month_that_it_is() {
        let period = usage(seen()).period(&people::permit()).await.unwrap();
        assert_eq!(
            (period.start.to_string(), period.end.to_string()),
            ("2026-05-01T00:00:00.000Z".into(), "2026-06-01T00:00:00.000Z".into())
        );
        assert_eq!(period.session_minutes, 7 + 5 + 60 + 13 * 60);
    }

    #[test]
    fn days_are_1_to_90() {
        for (text, fits) in
            [("0", false), ("1", true), ("90", true), ("91", false), ("-1", false), ("x", false), ("", false)]
        {
            assert_eq!(text.parse::<Days>().is_ok(), fits, "{text}");
        }
    }
}
