//! Points in time, to the millisecond, and the port that says what time it is.

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// One minute, hour and day, for the lifetimes that are written as multiples of them.
pub const MINUTE: Duration = Duration::from_mins(1);
pub const HOUR: Duration = Duration::from_hours(1);
pub const DAY: Duration = Duration::from_hours(24);

/// Tells the time. An implementation MUST NOT run backwards by more than the system clock does.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// A point in time in UTC with millisecond precision, between the years 1970 and 9999.
///
/// It prints and parses as RFC 3339; any offset is accepted on the way in, `Z` is written on the way out. Whole
/// milliseconds are all there is, so what is stored, hashed and shown is one and the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp(i64);

/// The text or number is not a point in time between 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 time with an offset, such as `2026-05-02T09:15:00Z`")]
pub struct TimestampError;

impl Timestamp {
    /// The first moment of 1970.
    pub const MIN: Self = Self(0);
    /// The last millisecond of the year 9999, the last one that RFC 3339 can write.
    pub const MAX: Self = Self(253_402_300_799_999);

    pub fn from_millis(millis: i64) -> Result<Self, TimestampError> {
        if (0..=Self::MAX.0).contains(&millis) { Ok(Self(millis)) } else { Err(TimestampError) }
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) const fn from_known_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This much later; never past [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis).min(Self::MAX.0))
    }

    /// This much earlier; never before 1970.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis).max(0))
    }

    /// How long ago `earlier` was; zero when it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| TimestampError)?;
        Self::from_millis(time.timestamp_millis())
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_prints_milliseconds_and_z() {
        let time: Timestamp = "2026-05-12T15:00:00.1234+02:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-05-12T13:00:00.123Z");
    }

    #[test]
    fn a_time_without_an_offset_is_refused() {
        assert!("2026-05-12T15:00:00".parse::<Timestamp>().is_err());
    }

    #[test]
    fn adding_never_leaves_the_range() {
        assert_eq!(Timestamp::MAX.plus(DAY), Timestamp::MAX);
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn printing_and_parsing_round_trip(millis in 0..=Timestamp::MAX.0) {
            let time = Timestamp::from_millis(millis).unwrap();
            prop_assert_eq!(time.to_string().parse::<Timestamp>(), Ok(time));
        }
    }
}
