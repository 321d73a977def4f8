//! Redeeming a verification link.

use super::link::{LinkKind, SeenLink};
use super::log_in::SignIns;
use crate::{
    audit::{Actor, AuditAction},
    change::{Change, CommitError, Effects, Guard, commits},
    id::LinkId,
    mail::MailContent,
    secret::LinkToken,
    time::Timestamp,
    web_session::{Agent, SignedIn, WebSession},
};

/// A verified address, and the first session of its account.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    pub link: LinkId,
    pub session: WebSession,
    pub at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("this link is unknown, used or too old; ask for a new one")]
    InvalidToken,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(VerifyError);

impl SignIns {
    /// Verifies the address behind a link, signs in, and welcomes.
    pub async fn verify(&self, token: &LinkToken, agent: Agent) -> Result<SignedIn, VerifyError> {
        let seen = self.store.seen_link(&token.digest()).await?;
        let seen = seen
            .filter(|seen| seen.is_good(LinkKind::Verification, self.desk.now()))
            .ok_or(VerifyError::InvalidToken)?;
        let it = self.verification(&seen, agent);
        self.store.commit_verification(&it).await?;
        Ok(self.signed_in(&it.session))
    }

    fn verification(&self, seen: &SeenLink, agent: Agent) -> Verification {
        let session = WebSession::begin(&self.desk, seen.account, agent);
        let change = Change::new(Guard::seen(seen.account, seen.revision), self.verified(seen));
        Verification { link: seen.id, session, at: self.desk.now(), change }
    }

    /// What belongs to a verified address, however it was verified: an entry on the log, and the welcome.
    pub(super) fn verified(&self, seen: &SeenLink) -> Effects {
        let actor = Actor::Customer { account: seen.account, credential: None };
        let entry = self.desk.audit_as(actor, seen.account, AuditAction::EmailVerified).on(seen.account);
        let welcome = seen.wants_welcome.then(|| self.desk.mail(seen.email.clone(), MailContent::SignupWelcome));
        Effects::audited(entry).mailed(welcome)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        account::AccountStatus, auth::log_in::tests::sign_ins, auth::port::MockSignInStore, change::Revision,
        testing::people,
    };
    use rstest::rstest;

    pub(in crate::auth) fn link() -> SeenLink {
        SeenLink {
            id: LinkId::new(people::uuid(3)),
            kind: LinkKind::Verification,
            account: people::ADA,
            email: people::email("ada@example.com"),
            verified_at: None,
            status: AccountStatus::Active,
            purge_at: None,
            revision: Revision(1),
            expires_at: people::LATER,
            spent: false,
            new_email: None,
            wants_welcome: true,
            has_factor: false,
        }
    }

    pub(in crate::auth) fn token() -> LinkToken {
        LinkToken::parse(&"t".repeat(43)).unwrap()
    }

    #[rstest]
    #[case::welcomed(true, 1)]
    #[case::without_welcome(false, 0)]
    #[tokio::test]
    async fn a_good_link_verifies_and_signs_in(#[case] wants_welcome: bool, #[case] mails: usize) {
        let mut store = MockSignInStore::new();
        store.expect_seen_link().returning(move |_| Ok(Some(SeenLink { wants_welcome, ..link() })));
        store
            .expect_commit_verification()
            .times(1)
            .withf(move |it| {
                it.session.account == people::ADA
                    && it.change.effects.audit[0].action == AuditAction::EmailVerified
                    && it.change.effects.mails.len() == mails
            })
            .returning(|_| Ok(()));
        assert_eq!(
            sign_ins(store, true).verify(&token(), Agent::from_header(None)).await.unwrap().account,
            people::ADA
        );
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::of_another_kind(Some(SeenLink { kind: LinkKind::MagicLink, ..link() }))]
    #[case::spent(Some(SeenLink { spent: true, ..link() }))]
    #[case::too_old(Some(SeenLink { expires_at: people::NOW, ..link() }))]
    #[case::suspended(Some(SeenLink { status: AccountStatus::Suspended, ..link() }))]
    #[case::deleted(Some(SeenLink { status: AccountStatus::Deleted, purge_at: Some(people::LATER), ..link() }))]
    #[tokio::test]
    async fn another_link_is_refused_and_nothing_is_committed(#[case] seen: Option<SeenLink>) {
        let mut store = MockSignInStore::new();
        store.expect_seen_link().returning(move |_| Ok(seen.clone()));
        let refused = sign_ins(store, true).verify(&token(), Agent::from_header(None)).await;
        assert!(matches!(refused, Err(VerifyError::InvalidToken)));
    }
}
