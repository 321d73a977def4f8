//! Giving a member another role.

use super::{Memberships, noun::Membership};
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::MembershipId,
    policy::{Role, action::ChangeRole},
    webhook::EventType,
};

/// A membership with its new role.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RoleChange {
    pub membership: MembershipId,
    pub role: Role,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeRoleError {
    #[error("no such member")]
    NotFound,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(ChangeRoleError);

impl Memberships {
    /// Takes effect on the member's next request. Giving the role that the member has changes nothing.
    pub async fn change_role(
        &self,
        by: &Permit<ChangeRole>,
        id: MembershipId,
        role: Role,
    ) -> Result<Membership, ChangeRoleError> {
        let seen = self.store.seen_membership(id).await?;
        let seen = seen.filter(|seen| seen.membership.owner == by.workspace() && seen.removed_at.is_none());
        let membership = seen.ok_or(ChangeRoleError::NotFound)?.membership;
        if membership.role == role {
            return Ok(membership);
        }
        let entry = self
            .desk
            .audit(by, AuditAction::RoleChanged)
            .on(id)
            .with("member_account_id", membership.member.to_string())
            .with("from", membership.role.as_str())
            .with("to", role.as_str());
        let membership = Membership { role, ..membership };
        let event = self.desk.membership_event(EventType::RoleChanged, &membership, by.actor());
        let change = Change::new(by, Effects::audited(entry).announcing([event]));
        self.store.commit_role_change(&RoleChange { membership: id, role, change }).await?;
        Ok(membership)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        membership::{MockMembershipStore, SeenMembership},
        testing::{desk, people},
    };
    use rstest::rstest;
    use std::sync::Arc;

    async fn change(
        seen: Option<SeenMembership>,
        mut store: MockMembershipStore,
    ) -> Result<Membership, ChangeRoleError> {
        store.expect_seen_membership().returning(move |_| Ok(seen.clone()));
        let memberships = Memberships::new(Arc::new(store), desk());
        memberships.change_role(&people::permit(), people::seen_membership().membership.id, Role::Admin).await
    }

    #[tokio::test]
    async fn the_new_role_is_committed() {
        let mut store = MockMembershipStore::new();
        store
            .expect_commit_role_change()
            .times(1)
            .withf(|it| it.role == Role::Admin && it.change.effects.events[0].data["role"].as_str() == Some("admin"))
            .returning(|_| Ok(()));
        assert_eq!(change(Some(people::seen_membership()), store).await.unwrap().role, Role::Admin);
    }

    #[tokio::test]
    async fn the_same_role_is_no_change() {
        let mut seen = people::seen_membership();
        seen.membership.role = Role::Admin;
        assert!(change(Some(seen), MockMembershipStore::new()).await.is_ok());
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::removed(Some(SeenMembership { removed_at: Some(people::NOW), ..people::seen_membership() }))]
    #[case::foreign(Some({ let mut seen = people::seen_membership(); seen.membership.owner = people::BO; seen }))]
    #[tokio::test]
    async fn what_is_not_there_is_not_found(#[case] seen: Option<SeenMembership>) {
        assert!(matches!(change(seen, MockMembershipStore::new()).await, Err(ChangeRoleError::NotFound)));
    }
}
