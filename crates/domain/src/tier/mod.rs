//! What each account tier may use. Sources: the tier ladder of the contract.

mod limit_override;
mod plan;

pub use limit_override::{
    Capacity, CapacityError, OverrideLife, OverrideLifeError, Overrides, QuotaOverride, RefillRate, RefillRateError,
};
pub use plan::{Plan, PlanError};

use serde::{Deserialize, Serialize};

use crate::{
    limit::{Bucket, Quota},
    time::{HOUR, MINUTE, Timestamp},
    word::words,
};

words! {
    /// The ladder of account tiers. A new account is `free`.
    Tier, TierError, "tier" {
        Free = "free",
        SoloManual = "solo_manual",
        TeamManual = "team_manual",
        AgencyManual = "agency_manual",
        ApiStarter = "api_starter",
        ApiBuilder = "api_builder",
        ApiScale = "api_scale",
        Enterprise = "enterprise",
    }
}

/// The caps and quotas of one tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierLimits {
    pub concurrent_sessions: u32,
    /// `None` is unlimited.
    pub profiles: Option<u32>,
    global: Quota,
    sessions_create: Quota,
}

impl TierLimits {
    pub const fn quota(&self, bucket: Bucket) -> Quota {
        match bucket {
            Bucket::Global => self.global,
            Bucket::SessionsCreate => self.sessions_create,
        }
    }
}

const fn per_second(capacity: u32, tokens: u32) -> Quota {
    Quota::new(capacity, tokens, std::time::Duration::from_secs(1))
}

const fn one_every(capacity: u32, seconds: u64) -> Quota {
    Quota::new(capacity, 1, std::time::Duration::from_secs(seconds))
}

const fn row(concurrent_sessions: u32, profiles: Option<u32>, global: Quota, sessions_create: Quota) -> TierLimits {
    TierLimits { concurrent_sessions, profiles, global, sessions_create }
}

impl Tier {
    pub const fn limits(self) -> &'static TierLimits {
        match self {
            Self::Free => const { &row(1, Some(1), per_second(60, 1), one_every(5, 60)) },
            Self::SoloManual => const { &row(1, Some(10), per_second(120, 2), one_every(10, 30)) },
            Self::TeamManual => const { &row(3, Some(50), per_second(360, 6), one_every(20, 10)) },
            Self::AgencyManual => const { &row(8, Some(200), per_second(1_800, 30), per_second(60, 1)) },
            Self::ApiStarter => const { &row(2, Some(25), per_second(240, 4), one_every(15, 20)) },
            Self::ApiBuilder => const { &row(8, Some(100), per_second(1_800, 30), per_second(60, 1)) },
            Self::ApiScale => const { &row(24, Some(500), per_second(6_000, 100), per_second(120, 2)) },
            Self::Enterprise => const { &row(32, None, per_second(60_000, 1_000), per_second(600, 10)) },
        }
    }
}

/// Calls without a credential that send a mail, per client address.
pub const MAIL_SENDING: Quota = Quota::new(3, 3, MINUTE);
/// Sign-ins, per client address and account.
pub const SIGNING_IN: Quota = Quota::new(10, 10, MINUTE);
/// Devices that begin, per client address.
pub const INITIATING: Quota = Quota::new(10, 10, MINUTE);
/// Devices that ask whether their key is there, per client address: several, each every five seconds.
pub const EXCHANGING: Quota = Quota::new(60, 60, MINUTE);
/// User codes that are typed, per account: somebody who mistypes has a few more, whoever guesses has too few.
pub const BINDING: Quota = Quota::new(5, 5, MINUTE);
/// Invites of one account to one address, and sending one of them again: nobody fills the mailbox of somebody who does not know them.
pub const INVITING: Quota = Quota::new(10, 10, HOUR);

/// A bucket's effective quota and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveQuota {
    pub bucket: Bucket,
    pub quota: Quota,
    /// As it was set.
    pub refill_per_second: f64,
    pub source: QuotaSource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaSource {
    TierDefault,
    /// Set by staff, until then.
    Override {
        expires_at: Timestamp,
    },
}

/// What a bucket of an account gives `now`. An override that is over counts as none.
pub fn effective_quota(tier: Tier, overrides: &Overrides, bucket: Bucket, now: Timestamp) -> EffectiveQuota {
    let by_tier = || {
        let quota = tier.limits().quota(bucket);
        EffectiveQuota { bucket, quota, refill_per_second: quota.refill_per_second(), source: QuotaSource::TierDefault }
    };
    overrides.in_force(bucket, now).map_or_else(by_tier, |it| it.effective(bucket))
}

/// The effective quotas of an account, one for each bucket.
pub fn effective_quotas(tier: Tier, overrides: Overrides, now: Timestamp) -> impl Iterator<Item = EffectiveQuota> {
    Bucket::ALL.iter().map(move |bucket| effective_quota(tier, &overrides, *bucket, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The ladder as it was published; one row a line.
    #[rstest]
    #[case("free", 1, Some(1), (60, 1.0), (5, 1.0 / 60.0))]
    #[case("solo_manual", 1, Some(10), (120, 2.0), (10, 1.0 / 30.0))]
    #[case("team_manual", 3, Some(50), (360, 6.0), (20, 0.1))]
    #[case("agency_manual", 8, Some(200), (1_800, 30.0), (60, 1.0))]
    #[case("api_starter", 2, Some(25), (240, 4.0), (15, 0.05))]
    #[case("api_builder", 8, Some(100), (1_800, 30.0), (60, 1.0))]
    #[case("api_scale", 24, Some(500), (6_000, 100.0), (120, 2.0))]
    #[case("enterprise", 32, None, (60_000, 1_000.0), (600, 10.0))]
    fn the_ladder(
        #[case] tier: &str,
        #[case] sessions: u32,
        #[case] profiles: Option<u32>,
        #[case] global: (u32, f64),
        #[case] create: (u32, f64),
    ) {
        let limits = tier.parse::<Tier>().unwrap().limits();
        assert_eq!((limits.concurrent_sessions, limits.profiles), (sessions, profiles));
        for (bucket, (capacity, refill)) in [(Bucket::Global, global), (Bucket::SessionsCreate, create)] {
            let quota = limits.quota(bucket);
            assert_eq!(quota.capacity(), capacity);
            assert!((quota.refill_per_second() - refill).abs() < 1e-12, "{bucket}");
        }
    }
}
