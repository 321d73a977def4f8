//! What staff give an account in place of its tier's quota, until a date.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{EffectiveQuota, QuotaSource};
use crate::{
    limit::{Bucket, Quota},
    time::{DAY, Timestamp},
};

/// The tokens that a bucket holds: at least one, at most ten times what the highest tier has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
pub struct Capacity(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number from 1 to {}", Capacity::MAX)]
pub struct CapacityError;

impl Capacity {
    pub const MAX: u32 = 600_000;
}

impl TryFrom<u32> for Capacity {
    type Error = CapacityError;

    fn try_from(tokens: u32) -> Result<Self, CapacityError> {
        if (1..=Self::MAX).contains(&tokens) { Ok(Self(tokens)) } else { Err(CapacityError) }
    }
}

impl From<Capacity> for u32 {
    fn from(capacity: Capacity) -> Self {
        capacity.0
    }
}

/// Tokens that come back in a second: from one an hour to ten times what the highest tier has.
///
/// Within these bounds every limiter counts what is asked for: the largest bucket is full again within 69 years.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct RefillRate(f64);

// Never NaN: see `try_from`.
impl Eq for RefillRate {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a number from 1/3600 (one an hour) to {}", RefillRate::MAX)]
pub struct RefillRateError;

impl RefillRate {
    pub const MIN: f64 = 1.0 / 3600.0;
    pub const MAX: f64 = 10_000.0;

    fn replenish_interval(self) -> Duration {
        Duration::try_from_secs_f64(self.0.recip()).unwrap_or(Duration::MAX)
    }
}

impl TryFrom<f64> for RefillRate {
    type Error = RefillRateError;

    fn try_from(per_second: f64) -> Result<Self, RefillRateError> {
        if (Self::MIN..=Self::MAX).contains(&per_second) { Ok(Self(per_second)) } else { Err(RefillRateError) }
    }
}

impl From<RefillRate> for f64 {
    fn from(rate: RefillRate) -> Self {
        rate.0
    }
}

/// How long an override is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct OverrideLife(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number of seconds from 1 to {} (30 days)", OverrideLife::LONGEST.as_secs())]
pub struct OverrideLifeError;

impl OverrideLife {
    pub const LONGEST: Duration = DAY.saturating_mul(30);

    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl TryFrom<u32> for OverrideLife {
    type Error = OverrideLifeError;

    fn try_from(seconds: u32) -> Result<Self, OverrideLifeError> {
        let life = Self(seconds);
        if seconds > 0 && life.duration() <= Self::LONGEST { Ok(life) } else { Err(OverrideLifeError) }
    }
}

/// What one bucket gives instead of what the tier says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaOverride {
    pub capacity: Capacity,
    pub refill_per_second: RefillRate,
    pub expires_at: Timestamp,
}

impl QuotaOverride {
    pub(super) fn effective(self, bucket: Bucket) -> EffectiveQuota {
        let quota = Quota::new(self.capacity.into(), 1, self.refill_per_second.replenish_interval());
        let source = QuotaSource::Override { expires_at: self.expires_at };
        EffectiveQuota { bucket, quota, refill_per_second: self.refill_per_second.into(), source }
    }
}

/// The overrides of an account, at most one for each bucket; one that is over may still be among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    global: Option<QuotaOverride>,
    #[serde(default, rename = "sessions:create", skip_serializing_if = "Option::is_none")]
    sessions_create: Option<QuotaOverride>,
}

impl Overrides {
    pub const NONE: Self = Self { global: None, sessions_create: None };

    /// The override that counts `now`.
    pub fn in_force(&self, bucket: Bucket, now: Timestamp) -> Option<QuotaOverride> {
        let set = match bucket {
            Bucket::Global => self.global,
            Bucket::SessionsCreate => self.sessions_create,
        };
        set.filter(|it| it.expires_at > now)
    }

    #[must_use]
    pub fn with(self, bucket: Bucket, it: Option<QuotaOverride>) -> Self {
        match bucket {
            Bucket::Global => Self { global: it, ..self },
            Bucket::SessionsCreate => Self { sessions_create: it, ..self },
        }
    }

    /// Without those that are over.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Bucket::ALL.iter().fold(self, |kept, bucket| kept.with(*bucket, self.in_force(*bucket, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::people::{EARLIER, LATER, NOW},
        tier::{Tier, effective_quota},
    };
    use rstest::rstest;

    fn set(capacity: u32, rate: f64) -> QuotaOverride {
        let (capacity, refill_per_second) = (capacity.try_into().unwrap(), rate.try_into().unwrap());
        QuotaOverride { capacity, refill_per_second, expires_at: LATER }
    }

    #[rstest]
    #[case::nothing(0, false)]
    #[case::one(1, true)]
    #[case::most(Capacity::MAX, true)]
    #[case::more(Capacity::MAX + 1, false)]
    fn a_capacity(#[case] tokens: u32, #[case] fits: bool) {
        assert_eq!(Capacity::try_from(tokens).is_ok(), fits);
    }

    #[rstest]
    #[case::one_a_minute(1.0 / 60.0, true)]
    #[case::one_an_hour(1.0 / 3600.0, true)]
    #[case::slower(1.0 / 3601.0, false)]
    #[case::zero(0.0, false)]
    #[case::negative(-1.0, false)]
    #[case::fastest(10_000.0, true)]
    #[case::faster(10_000.1, false)]
    #[case::not_a_number(f64::NAN, false)]
    #[case::endless(f64::INFINITY, false)]
    fn a_rate(#[case] per_second: f64, #[case] fits: bool) {
        assert_eq!(RefillRate::try_from(per_second).is_ok(), fits);
    }

    #[rstest]
    #[case::none(0, false)]
    #[case::shortest(1, true)]
    #[case::thirty_days(30 * 86_400, true)]
    #[case::longer(30 * 86_400 + 1, false)]
    fn a_life(#[case] seconds: u32, #[case] fits: bool) {
        assert_eq!(OverrideLife::try_from(seconds).is_ok(), fits);
    }

    #[test]
    fn an_override_counts_until_its_date_and_for_its_bucket() {
        let overrides = Overrides::NONE.with(Bucket::Global, Some(set(7, 0.3)));
        let now = effective_quota(Tier::Free, &overrides, Bucket::Global, NOW);
        assert_eq!((now.quota.capacity(), now.refill_per_second), (7, 0.3));
        assert_eq!(now.source, QuotaSource::Override { expires_at: LATER });
        assert!((now.quota.refill_per_second() - 0.3).abs() < 1e-9);
        for (bucket, at) in [(Bucket::Global, LATER), (Bucket::SessionsCreate, NOW)] {
            let without = effective_quota(Tier::Free, &overrides, bucket, at);
            assert_eq!(without, effective_quota(Tier::Free, &Overrides::NONE, bucket, at));
        }
        assert_eq!(overrides.at(EARLIER), overrides);
        assert_eq!(overrides.at(LATER), Overrides::NONE);
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let overrides = Overrides::NONE.with(Bucket::SessionsCreate, Some(set(Capacity::MAX, 1.0 / 60.0)));
        let text = serde_json::to_string(&overrides).unwrap();
        assert_eq!(serde_json::from_str::<Overrides>(&text).unwrap(), overrides);
        assert_eq!(serde_json::to_string(&Overrides::NONE).unwrap(), "{}");
        assert!(serde_json::from_str::<Overrides>(&text.replace("600000", "600001")).is_err());
    }
}
