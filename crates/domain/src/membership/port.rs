use async_trait::async_trait;

use super::{
    accept::Acceptance,
    change_role::RoleChange,
    invite::{Invitation, Resending},
    noun::{Invite, Membership, OwnerSeen, SeenInvite, SeenInvitee, SeenMembership, SeenToken},
    remove::Removal,
    revoke_invite::InviteRevocation,
};
use crate::{
    change::{CommitError, StoreError},
    email::Email,
    id::{AccountId, ApiKeyId, InviteId, MembershipId},
    page::{Page, PageRequest},
    secret::Digest,
    time::Timestamp,
};

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait InviteStore: Send + Sync {
    /// Invites that are pending at `now`, newest first; positions are the ids' bits.
    async fn pending_invites(
        &self,
        owner: AccountId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Invite>, StoreError>;

    async fn seen_invitee(&self, owner: AccountId, email: &Email) -> Result<Option<SeenInvitee>, StoreError>;

    /// Any invite of that owner, whatever its state.
    async fn seen_invite(&self, owner: AccountId, id: InviteId) -> Result<Option<SeenInvite>, StoreError>;

    /// Any invite with that token, whatever its state. `taker_is_member` MUST be about the invite's owner.
    async fn seen_token(&self, token: &Digest, taker: AccountId) -> Result<Option<SeenToken>, StoreError>;

    /// MUST void every earlier invite of the owner to the same address that is neither accepted nor voided.
    async fn commit_invitation(&self, it: &Invitation) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the invite is neither accepted nor voided; so must the two below.
    async fn commit_resending(&self, it: &Resending) -> Result<(), CommitError>;

    async fn commit_invite_revocation(&self, it: &InviteRevocation) -> Result<(), CommitError>;

    async fn commit_acceptance(&self, it: &Acceptance) -> Result<(), CommitError>;
}

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait MembershipStore: Send + Sync {
    /// Active members, newest first; positions are the ids' bits.
    async fn members(&self, owner: AccountId, page: PageRequest) -> Result<Page<Membership>, StoreError>;

    /// Active memberships of a member, newest first; positions are the ids' bits. Owners who are deleted are left out.
    async fn owners(&self, member: AccountId, page: PageRequest) -> Result<Page<OwnerSeen>, StoreError>;

    /// Any membership, also one that has ended.
    async fn seen_membership(&self, id: MembershipId) -> Result<Option<SeenMembership>, StoreError>;

    /// The unrevoked keys on the owner's account that are in the member's hands, oldest first.
    async fn keys_in_hands_of(&self, owner: AccountId, member: AccountId) -> Result<Vec<ApiKeyId>, StoreError>;

    /// MUST be `Stale` unless the membership is active; so must the one below.
    async fn commit_role_change(&self, it: &RoleChange) -> Result<(), CommitError>;

    /// MUST revoke the listed keys in the same transaction.
    async fn commit_removal(&self, it: &Removal) -> Result<(), CommitError>;
}
