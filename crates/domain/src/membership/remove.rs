//! The end of a membership, from either side.

use super::{
    Memberships,
    noun::{Membership, SeenMembership},
};
use crate::{
    access::Permit,
    audit::{Actor, AuditAction},
    change::{Change, CommitError, Effects, Guard, StoreError, commits},
    desk::Desk,
    id::{ApiKeyId, MembershipId},
    policy::action::{LeaveTeam, RemoveMember},
    time::Timestamp,
    webhook::EventType,
};

/// A membership that ends, and with it every key in the member's hands.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Removal {
    pub membership: MembershipId,
    pub keys: Vec<ApiKeyId>,
    pub at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    #[error("no such membership")]
    NotFound,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(RemoveError);

impl Memberships {
    /// Takes effect on the member's next request. Removing somebody twice is removing them once.
    pub async fn remove(&self, by: &Permit<RemoveMember>, id: MembershipId) -> Result<(), RemoveError> {
        let seen = self.seen(id).await?.filter(|seen| seen.membership.owner == by.workspace());
        self.end(by, seen.ok_or(RemoveError::NotFound)?, false).await
    }

    /// The member's own way out.
    pub async fn leave(&self, by: &Permit<LeaveTeam>, id: MembershipId) -> Result<(), RemoveError> {
        let seen = self.seen(id).await?.filter(|seen| seen.membership.member == by.workspace());
        self.end(by, seen.ok_or(RemoveError::NotFound)?, true).await
    }

    async fn seen(&self, id: MembershipId) -> Result<Option<SeenMembership>, StoreError> {
        self.store.seen_membership(id).await
    }

    async fn end<A>(&self, by: &Permit<A>, seen: SeenMembership, left: bool) -> Result<(), RemoveError> {
        if seen.removed_at.is_some() {
            return Ok(());
        }
        let membership = seen.membership;
        let keys = self.store.keys_in_hands_of(membership.owner, membership.member).await?;
        let guard = Guard::from(by).and(membership.owner, seen.owner_revision);
        let effects = self.desk.membership_ended(&membership, &keys, by.actor(), left);
        let (at, change) = (self.desk.now(), Change::new(guard, effects));
        let it = Removal { membership: membership.id, keys, at, change };
        Ok(self.store.commit_removal(&it).await?)
    }
}

impl Desk {
    /// What the owner's log and webhooks say of a membership that ends with these keys.
    pub(crate) fn membership_ended(&self, it: &Membership, keys: &[ApiKeyId], by: Actor, left: bool) -> Effects {
        let listed: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let entry = self
            .audit_as(by, it.owner, AuditAction::MemberRemoved)
            .on(it.id)
            .with("member_account_id", it.member.to_string())
            .with("left", left)
            .with("revoked_api_keys", listed);
        let removed = self.membership_event(EventType::MemberRemoved, it, by);
        let revoked = keys.iter().map(|key| self.key_revoked(it.owner, by, *key, "member_removed"));
        Effects::audited(entry).announcing([removed]).announcing(revoked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::Revision,
        membership::MockMembershipStore,
        testing::{desk, people},
    };
    use std::sync::Arc;

    fn memberships(seen: SeenMembership, removals: usize) -> Memberships {
        let mut store = MockMembershipStore::new();
        store.expect_seen_membership().returning(move |_| Ok(Some(seen.clone())));
        store.expect_keys_in_hands_of().returning(|_, _| Ok(vec![ApiKeyId::new(people::uuid(40))]));
        store
            .expect_commit_removal()
            .times(removals)
            .withf(|it| {
                let entry = &it.change.effects.audit[0];
                it.keys.len() == 1
                    && entry.account == people::OLIVE
                    && entry.payload["revoked_api_keys"].as_array().is_some_and(|keys| keys.len() == 1)
                    && it.change.guard.accounts().iter().any(|(id, _)| *id == people::OLIVE)
                    && it
                        .change
                        .effects
                        .events
                        .iter()
                        .map(|event| event.kind.as_str())
                        .eq(["team.member_removed", "api_key.revoked"])
                    && it.change.effects.events.iter().all(|event| event.account == people::OLIVE)
            })
            .returning(|_| Ok(()));
        Memberships::new(Arc::new(store), desk())
    }

    fn id() -> MembershipId {
        people::seen_membership().membership.id
    }

    #[tokio::test]
    async fn a_removal_takes_the_members_keys_along() {
        assert!(memberships(people::seen_membership(), 1).remove(&people::permit(), id()).await.is_ok());
    }

    #[tokio::test]
    async fn a_second_removal_changes_nothing() {
        let seen = SeenMembership { removed_at: Some(people::NOW), ..people::seen_membership() };
        assert!(memberships(seen, 0).remove(&people::permit(), id()).await.is_ok());
    }

    #[tokio::test]
    async fn the_member_may_leave_and_the_owners_revision_guards_it() {
        let by = people::permit_of(people::ADA);
        let seen = SeenMembership { owner_revision: Revision(5), ..people::seen_membership() };
        assert!(memberships(seen, 1).leave(&by, id()).await.is_ok());
    }

    #[tokio::test]
    async fn a_stranger_finds_nothing() {
        let refused = memberships(people::seen_membership(), 0).remove(&people::permit_of(people::BO), id()).await;
        assert!(matches!(refused, Err(RemoveError::NotFound)));
        let refused = memberships(people::seen_membership(), 0).leave(&people::permit_of(people::BO), id()).await;
        assert!(matches!(refused, Err(RemoveError::NotFound)));
    }
}
