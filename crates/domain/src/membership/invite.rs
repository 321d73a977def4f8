//! Inviting somebody, and inviting them again.

use super::{
    Invites,
    noun::{INVITE_LIFE, Invite},
};
use crate::{
    access::Permit,
    audit::{AuditAction, AuditDraft},
    change::{Change, CommitError, Effects, StoreError, commits},
    email::Email,
    id::InviteId,
    idempotency::Creation,
    mail::{MailContent, OutgoingMail},
    name::Name,
    policy::{
        Operation, Role,
        action::{InviteMember, ResendInvite},
    },
    secret::LinkToken,
    time::Timestamp,
};

/// A new invite; earlier ones to the same address are void.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Invitation {
    pub invite: Invite,
    pub change: Change,
}

/// An invite with a new token and a new expiry; the old token is void.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Resending {
    pub invite: Invite,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    #[error("this is your own address; a team's owner is not one of its members")]
    OwnAddress,
    #[error("this address already belongs to a member of the team")]
    AlreadyMember,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    #[error("no such invite")]
    NotFound,
    #[error("this invite was accepted or revoked; send a new one")]
    Over,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(InviteError);

commits!(ResendError);

impl Invites {
    /// Mails an invite. Whether the address has an account is neither looked at nor told.
    pub async fn invite<'a>(
        &self,
        by: impl Into<Creation<'a, InviteMember, Invite>>,
        email: Email,
        role: Role,
    ) -> Result<Invite, InviteError> {
        let by = by.into();
        let seen = self.store.seen_invitee(by.workspace(), &email).await?;
        let seen = seen.ok_or_else(|| StoreError::Failed("a caller's account is missing".to_owned()))?;
        if seen.owner_email == email {
            return Err(InviteError::OwnAddress);
        }
        if seen.is_member {
            return Err(InviteError::AlreadyMember);
        }
        let now = self.desk.now();
        let token = LinkToken::generate(self.desk.secrets.as_ref());
        let invite = Invite {
            id: InviteId::new(self.desk.ids.next()),
            owner: by.workspace(),
            email,
            role,
            token: token.digest(),
            invited_by: by.actor().account(),
            created_at: now,
            expires_at: now.plus(INVITE_LIFE),
            accepted_at: None,
            voided_at: None,
        };
        let effects = self.sent(&by, AuditAction::MemberInvited, &invite, seen.team, &token);
        let change = Change::new(&*by, effects).keeping(by.answer(&self.desk, &invite));
        let it = Invitation { invite, change };
        self.store.commit_invitation(&it).await?;
        Ok(it.invite)
    }

    /// Mails an invite again. One that has expired comes back to life; one that was accepted or revoked does not.
    pub async fn resend<'a>(
        &self,
        by: impl Into<Creation<'a, ResendInvite, Invite>>,
        id: InviteId,
    ) -> Result<Invite, ResendError> {
        let by = by.into();
        let seen = self.store.seen_invite(by.workspace(), id).await?.ok_or(ResendError::NotFound)?;
        if seen.invite.accepted_at.is_some() || seen.invite.voided_at.is_some() {
            return Err(ResendError::Over);
        }
        let token = LinkToken::generate(self.desk.secrets.as_ref());
        let expires_at: Timestamp = self.desk.now().plus(INVITE_LIFE);
        let invite = Invite { token: token.digest(), expires_at, ..seen.invite };
        let effects = self.sent(&by, AuditAction::InviteResent, &invite, seen.team, &token);
        let change = Change::new(&*by, effects).keeping(by.answer(&self.desk, &invite));
        let it = Resending { invite, change };
        self.store.commit_resending(&it).await?;
        Ok(it.invite)
    }

    fn sent<A: Operation>(
        &self,
        by: &Permit<A>,
        action: AuditAction,
        invite: &Invite,
        team: Name,
        token: &LinkToken,
    ) -> Effects {
        let content = MailContent::TeamInvite { team, role: invite.role, expires_at: invite.expires_at };
        let mail: OutgoingMail = self.desk.mail_with_link(invite.email.clone(), content, token);
        let entry: AuditDraft = self
            .desk
            .audit(by, action)
            .on(invite.id)
            .with_personal(&self.desk, "invitee_email", invite.email.as_str())
            .with("role", invite.role.as_str());
        Effects::audited(entry).mailed([mail])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        membership::{MockInviteStore, SeenInvite, SeenInvitee},
        testing::{desk, people},
    };
    use rstest::rstest;
    use std::sync::Arc;

    fn invitee(is_member: bool) -> MockInviteStore {
        let mut store = MockInviteStore::new();
        store.expect_seen_invitee().returning(move |_, _| {
            Ok(Some(SeenInvitee {
                owner_email: people::email("olive@example.com"),
                team: people::name("Acme"),
                is_member,
            }))
        });
        store
    }

    async fn invite(store: MockInviteStore, email: &str) -> Result<Invite, InviteError> {
        Invites::new(Arc::new(store), desk()).invite(&people::permit(), people::email(email), Role::Admin).await
    }

    #[tokio::test]
    async fn an_invite_is_committed_with_its_entry_and_its_mail() {
        let mut store = invitee(false);
        store
            .expect_commit_invitation()
            .times(1)
            .withf(|it| {
                it.change.effects.audit[0].account == people::OLIVE
                    && it.change.effects.audit[0].action == AuditAction::MemberInvited
                    && it.change.effects.mails[0].token.is_some()
                    && it.invite.expires_at == people::NOW.plus(INVITE_LIFE)
            })
            .returning(|_| Ok(()));
        assert_eq!(invite(store, "ada@example.com").await.unwrap().role, Role::Admin);
    }

    #[rstest]
    #[case::own_address("olive@example.com", false)]
    #[case::member("ada@example.com", true)]
    #[tokio::test]
    async fn a_refused_invite_never_reaches_the_store(#[case] email: &str, #[case] is_member: bool) {
        assert!(!matches!(invite(invitee(is_member), email).await, Ok(_) | Err(InviteError::Commit(_))));
    }

    fn seen(invite: Invite) -> MockInviteStore {
        let mut store = MockInviteStore::new();
        store
            .expect_seen_invite()
            .returning(move |_, _| Ok(Some(SeenInvite { invite: invite.clone(), team: people::name("Acme") })));
        store
    }

    #[tokio::test]
    async fn an_expired_invite_can_be_sent_again_with_another_token() {
        let old = Invite { expires_at: people::EARLIER, ..people::invite() };
        let mut store = seen(old.clone());
        store.expect_commit_resending().times(1).withf(move |it| it.invite.token != old.token).returning(|_| Ok(()));
        let sent = Invites::new(Arc::new(store), desk()).resend(&people::permit(), people::invite().id).await.unwrap();
        assert!(sent.is_pending(people::NOW));
    }

    #[rstest]
    #[case::accepted(Invite { accepted_at: Some(people::EARLIER), ..people::invite() })]
    #[case::voided(Invite { voided_at: Some(people::EARLIER), ..people::invite() })]
    #[tokio::test]
    async fn an_invite_that_is_over_stays_over(#[case] invite: Invite) {
        let refused = Invites::new(Arc::new(seen(invite)), desk()).resend(&people::permit(), people::invite().id).await;
        assert!(matches!(refused, Err(ResendError::Over)));
    }
}
