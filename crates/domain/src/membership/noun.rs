use std::time::Duration;

use crate::{
    account::AccountStatus,
    change::Revision,
    email::Email,
    id::{AccountId, InviteId, MembershipId},
    name::Name,
    policy::Role,
    secret::Digest,
    time::{DAY, Timestamp},
};

/// An invite can be accepted for so long.
pub const INVITE_LIFE: Duration = DAY.saturating_mul(7);

/// A member account on an owner's team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub id: MembershipId,
    pub owner: AccountId,
    pub member: AccountId,
    pub member_email: Email,
    pub role: Role,
    pub invited_at: Timestamp,
    pub accepted_at: Timestamp,
    pub invited_by: Option<AccountId>,
}

/// A membership from the member's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerSeen {
    pub membership: MembershipId,
    pub owner: AccountId,
    pub owner_email: Email,
    pub owner_name: Option<Name>,
    pub role: Role,
}

/// An invite to an owner's team. The token itself is in the mail alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    pub id: InviteId,
    pub owner: AccountId,
    pub email: Email,
    pub role: Role,
    pub token: Digest,
    pub invited_by: Option<AccountId>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub accepted_at: Option<Timestamp>,
    /// Taken back by the owner, or replaced by a newer one.
    pub voided_at: Option<Timestamp>,
}

impl Invite {
    /// Neither accepted, nor voided, nor expired.
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.accepted_at.is_none() && self.voided_at.is_none() && self.expires_at > now
    }
}

/// What sending an invite is decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenInvitee {
    pub owner_email: Email,
    pub team: Name,
    /// Whether the invited address already belongs to a member.
    pub is_member: bool,
}

/// An invite of an owner's team, with what a second mail needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenInvite {
    pub invite: Invite,
    pub team: Name,
}

/// An invite found by its token, and the account that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenToken {
    pub invite: Invite,
    pub owner_status: AccountStatus,
    pub owner_revision: Revision,
    pub taker_email: Email,
    pub taker_is_member: bool,
}

/// A membership, also one that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenMembership {
    pub membership: Membership,
    pub owner_revision: Revision,
    pub removed_at: Option<Timestamp>,
}
