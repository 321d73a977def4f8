use serde::{Deserialize, Serialize};

use super::{archetype::Archetype, metadata::Metadata};
use crate::{
    access::{Access, Credential},
    audit::AuditDraft,
    desk::Desk,
    id::{AccountId, ProfileId, SessionId},
    name::Name,
    profile::Profile,
    time::Timestamp,
    word::words,
};

words! {
    /// How a session stands. Published clients know `creating`, `busy` and `errored` too: here nothing runs behind the record
    /// that could take its time, be at work or fail.
    SessionState, SessionStateError, "session state" {
        Ready = "ready",
        Destroyed = "destroyed",
    }
}

words! {
    /// What a session is for.
    Purpose, PurposeError, "purpose" {
        Customer = "production_customer",
        Validation = "cumulative_rig_validation",
        Probe = "test_domain_probe",
    }
}

words! {
    /// How somebody seems to behave.
    Behavior, BehaviorError, "behavioral profile" {
        Casual = "casual",
        Regular = "regular",
        PowerUser = "power_user",
    }
}

/// What somebody wants of a session.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionOrder {
    /// `None`: that of the profile, or the default.
    pub archetype: Option<Archetype>,
    /// `None`: for the customer.
    pub purpose: Option<Purpose>,
    pub label: Option<Name>,
    /// `None`: that of the profile, if there is one.
    pub metadata: Option<Metadata>,
    pub behavior: Option<Behavior>,
    pub profile: Option<ProfileId>,
}

/// A session. It is a record: what runs behind it is somebody else's.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub id: SessionId,
    /// Whose workspace it is on, and on whose cap it counts.
    pub account: AccountId,
    /// Whoever held the credential.
    pub created_by: AccountId,
    pub created_with: Credential,
    pub archetype: Archetype,
    pub purpose: Purpose,
    pub label: Option<Name>,
    pub metadata: Option<Metadata>,
    pub behavior: Option<Behavior>,
    /// Also one that is gone.
    pub profile: Option<ProfileId>,
    pub created_at: Timestamp,
    pub destroyed_at: Option<Timestamp>,
}

impl Session {
    pub(super) fn new(desk: &Desk, by: &Access, order: SessionOrder, profile: Option<Profile>) -> Self {
        let (archetype, metadata) = profile.map(|it| (it.archetype, it.metadata)).unwrap_or_default();
        Self {
            id: SessionId::new(desk.ids.next()),
            account: by.workspace,
            created_by: by.hands,
            created_with: by.credential,
            archetype: order.archetype.unwrap_or(archetype),
            purpose: order.purpose.unwrap_or(Purpose::Customer),
            label: order.label,
            metadata: order.metadata.or(metadata),
            behavior: order.behavior,
            profile: order.profile,
            created_at: desk.now(),
            destroyed_at: None,
        }
    }

    pub fn state(&self) -> SessionState {
        if self.destroyed_at.is_some() { SessionState::Destroyed } else { SessionState::Ready }
    }

    pub fn updated_at(&self) -> Timestamp {
        self.destroyed_at.unwrap_or(self.created_at)
    }

    pub(crate) fn describe(&self, entry: AuditDraft) -> AuditDraft {
        let entry = entry.on(self.id).with("archetype", self.archetype.as_str());
        match self.profile {
            Some(profile) => entry.with("profile_id", profile.to_string()),
            None => entry,
        }
    }
}
