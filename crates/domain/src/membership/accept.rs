//! Accepting an invite.

use super::{
    Invites,
    noun::{Membership, SeenToken},
};
use crate::{
    account::AccountStatus,
    audit::AuditAction,
    change::{Change, CommitError, Effects, Guard, commits},
    id::{InviteId, MembershipId},
    idempotency::Creation,
    policy::action::AcceptInvite,
    secret::LinkToken,
    time::Timestamp,
    webhook::EventType,
};

/// A membership that an invite becomes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Acceptance {
    pub invite: InviteId,
    pub membership: Membership,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("this invite is unknown, used, revoked or too old; ask the owner for a new one")]
    InvalidToken,
    #[error("this invite was sent to another address; sign in with the account it was sent to")]
    OtherAddress,
    #[error("you are already a member of this team")]
    AlreadyMember,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(AcceptError);

impl SeenToken {
    /// The order matters: nothing about the invite is told before its token has proved good.
    fn accept(&self, now: Timestamp) -> Result<(), AcceptError> {
        if !self.invite.is_pending(now) || self.owner_status != AccountStatus::Active {
            return Err(AcceptError::InvalidToken);
        }
        if self.invite.email != self.taker_email {
            return Err(AcceptError::OtherAddress);
        }
        if self.taker_is_member {
            return Err(AcceptError::AlreadyMember);
        }
        Ok(())
    }
}

impl Invites {
    /// Makes the caller a member of the team that the token belongs to. Of two who try at once, one gets in.
    pub async fn accept<'a>(
        &self,
        by: impl Into<Creation<'a, AcceptInvite, Membership>>,
        token: &LinkToken,
    ) -> Result<Membership, AcceptError> {
        let by = by.into();
        let seen = self.store.seen_token(&token.digest(), by.workspace()).await?.ok_or(AcceptError::InvalidToken)?;
        let now = self.desk.now();
        seen.accept(now)?;
        let it = self.acceptance(&by, seen, now);
        self.store.commit_acceptance(&it).await?;
        Ok(it.membership)
    }

    fn acceptance(&self, by: &Creation<'_, AcceptInvite, Membership>, seen: SeenToken, now: Timestamp) -> Acceptance {
        let invite = seen.invite;
        let membership = Membership {
            id: MembershipId::new(self.desk.ids.next()),
            owner: invite.owner,
            member: by.workspace(),
            member_email: seen.taker_email,
            role: invite.role,
            invited_at: invite.created_at,
            accepted_at: now,
            invited_by: invite.invited_by,
        };
        let entry = self
            .desk
            .audit_as(by.actor(), invite.owner, AuditAction::InviteAccepted)
            .on(membership.id)
            .with("invite_id", invite.id.to_string())
            .with("role", invite.role.as_str());
        let guard = Guard::from(&**by).and(invite.owner, seen.owner_revision);
        let event = self.desk.membership_event(EventType::MemberAdded, &membership, by.actor());
        let effects = Effects::audited(entry).announcing([event]);
        let change = Change::new(guard, effects).keeping(by.answer(&self.desk, &membership));
        Acceptance { invite: invite.id, membership, change }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::Revision,
        membership::{Invite, MockInviteStore},
        testing::{desk, people},
    };
    use rstest::rstest;
    use std::sync::Arc;

    /// Ada was invited by Olive.
    fn seen() -> SeenToken {
        SeenToken {
            invite: people::invite(),
            owner_status: AccountStatus::Active,
            owner_revision: Revision(8),
            taker_email: people::invite().email,
            taker_is_member: false,
        }
    }

    async fn accept(seen: Option<SeenToken>, mut store: MockInviteStore) -> Result<Membership, AcceptError> {
        store.expect_seen_token().returning(move |_, _| Ok(seen.clone()));
        let token = LinkToken::parse(&"t".repeat(43)).unwrap();
        Invites::new(Arc::new(store), desk()).accept(&people::permit_of(people::ADA), &token).await
    }

    #[tokio::test]
    async fn the_invited_becomes_a_member_and_the_owners_log_says_so() {
        let mut store = MockInviteStore::new();
        store
            .expect_commit_acceptance()
            .times(1)
            .withf(|it| {
                let entry = &it.change.effects.audit[0];
                (entry.account, entry.actor.account()) == (people::OLIVE, Some(people::ADA))
                    && it.change.guard.accounts().contains(&(people::OLIVE, Revision(8)))
                    && it.change.guard.accounts().len() == 2
                    && it.change.effects.events[0].account == people::OLIVE
            })
            .returning(|_| Ok(()));
        let membership = accept(Some(seen()), store).await.unwrap();
        assert_eq!((membership.owner, membership.member), (people::OLIVE, people::ADA));
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::expired(Some(SeenToken { invite: Invite { expires_at: people::NOW, ..people::invite() }, ..seen() }))]
    #[case::used(Some(SeenToken { invite: Invite { accepted_at: Some(people::EARLIER), ..people::invite() }, ..seen() }))]
    #[case::voided(Some(SeenToken { invite: Invite { voided_at: Some(people::EARLIER), ..people::invite() }, ..seen() }))]
    #[case::of_a_suspended_owner(Some(SeenToken { owner_status: AccountStatus::Suspended, ..seen() }))]
    #[case::used_and_of_another_address(Some(SeenToken {
        invite: Invite { accepted_at: Some(people::EARLIER), ..people::invite() }, taker_email: people::email("bo@example.com"), ..seen()
    }))]
    #[tokio::test]
    async fn a_bad_token_tells_nothing_and_never_reaches_the_store(#[case] seen: Option<SeenToken>) {
        assert!(matches!(accept(seen, MockInviteStore::new()).await, Err(AcceptError::InvalidToken)));
    }

    #[tokio::test]
    async fn somebody_elses_invite_is_refused() {
        let seen = SeenToken { taker_email: people::email("bo@example.com"), ..seen() };
        assert!(matches!(accept(Some(seen), MockInviteStore::new()).await, Err(AcceptError::OtherAddress)));
    }

    #[tokio::test]
    async fn a_member_is_refused() {
        let seen = SeenToken { taker_is_member: true, ..seen() };
        assert!(matches!(accept(Some(seen), MockInviteStore::new()).await, Err(AcceptError::AlreadyMember)));
    }
}
