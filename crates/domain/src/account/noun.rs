use serde::{Deserialize, Serialize};

use super::{region::Region, slug::Slug, time_zone::TimeZone};
use crate::{
    avatar::AvatarKey, email::Email, id::AccountId, membership::OwnerSeen, name::Name, tier::Tier, time::Timestamp,
    word::words,
};

words! {
    /// Whether an account may be used.
    AccountStatus, AccountStatusError, "account status" {
        Active = "active",
        /// By staff. Nobody gets in, and neither do the members of its team.
        Suspended = "suspended",
        /// By its owner. To everybody else it is as if it did not exist.
        Deleted = "deleted",
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub email: Email,
    /// `None`: shown by its address.
    pub name: Option<Name>,
    pub tier: Tier,
    pub status: AccountStatus,
    /// `None`: times are shown in UTC.
    pub time_zone: Option<TimeZone>,
    pub slug: Option<Slug>,
    pub region: Option<Region>,
    pub onboarding_completed_at: Option<Timestamp>,
    pub avatar: Option<AvatarKey>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Account {
    /// Tier `free`, nothing chosen yet.
    pub fn new(id: AccountId, email: Email, name: Option<Name>, at: Timestamp) -> Self {
        Self {
            id,
            email,
            name,
            tier: Tier::Free,
            status: AccountStatus::Active,
            time_zone: None,
            slug: None,
            region: None,
            onboarding_completed_at: None,
            avatar: None,
            created_at: at,
            updated_at: at,
        }
    }
}

/// An account as its holder sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAccount {
    pub account: Account,
    /// Whether a second factor is asked for.
    pub mfa_enrolled: bool,
    /// Sessions that run on its workspace.
    pub running_sessions: u32,
    /// Profiles that are kept on it.
    pub profiles: u32,
    /// The teams of others that it is on, newest first.
    pub teams: Vec<OwnerSeen>,
}
