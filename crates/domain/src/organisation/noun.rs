use serde::{Deserialize, Serialize};

use crate::{
    account::AccountStatus,
    change::Revision,
    email::Email,
    id::{AccountId, TeamId},
    name::Name,
    policy::{Role, Standing},
    team::Team,
    tier::Plan,
    time::Timestamp,
};

/// What a person is called in this dialect: a small number, handed out by the store, that never means anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct MemberNumber(pub i64);

/// What an organisation is called. It goes where the team goes, also to another owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct OrganisationNumber(i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the `org_id` of an organisation, a number from 1")]
pub struct OrganisationNumberError;

impl OrganisationNumber {
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for OrganisationNumber {
    type Error = OrganisationNumberError;

    fn try_from(number: i64) -> Result<Self, OrganisationNumberError> {
        if number > 0 { Ok(Self(number)) } else { Err(OrganisationNumberError) }
    }
}

/// Somebody, in the organisation that they act in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub number: MemberNumber,
    pub email: Email,
    pub name: Option<Name>,
    pub created_at: Timestamp,
    pub role: Standing,
    pub organisation: OrganisationNumber,
    pub organisation_name: Name,
    pub plan: Plan,
}

/// A person, and the organisation that they want to be seen in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenMember {
    pub account: AccountId,
    pub number: MemberNumber,
    pub email: Email,
    pub name: Option<Name>,
    pub created_at: Timestamp,
    pub revision: Revision,
    pub organisation: OrganisationNumber,
    pub organisation_name: Name,
    pub plan: Plan,
}

impl SeenMember {
    pub(super) fn as_member(&self, role: Standing) -> Member {
        Member {
            number: self.number,
            email: self.email.clone(),
            name: self.name.clone(),
            created_at: self.created_at,
            role,
            organisation: self.organisation,
            organisation_name: self.organisation_name.clone(),
            plan: self.plan,
        }
    }
}

/// An organisation as its members see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    pub number: OrganisationNumber,
    pub team: Team,
    pub owner: OwnerShown,
    /// The owner is one of them.
    pub members: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerShown {
    pub number: MemberNumber,
    pub email: Email,
    pub name: Option<Name>,
}

/// An organisation that somebody wants to make their active one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenOrganisation {
    pub team: TeamId,
    pub owner: AccountId,
    pub owner_status: AccountStatus,
    pub owner_revision: Revision,
    /// `None`: no membership on the owner.
    pub role: Option<Role>,
}

impl SeenOrganisation {
    /// How somebody stands to it; `None`: they do not get in.
    pub(super) fn standing(&self, person: AccountId) -> Option<Standing> {
        if self.owner == person {
            return Some(Standing::Owner);
        }
        self.role.filter(|_| self.owner_status == AccountStatus::Active).map(Standing::from)
    }
}

/// An organisation that somebody can make their active one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationChoice {
    pub number: OrganisationNumber,
    pub name: Name,
    pub owner: AccountId,
    pub role: Standing,
}
