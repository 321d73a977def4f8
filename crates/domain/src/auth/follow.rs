//! Links that sign in: by themselves, or with a new password.

use super::{
    client::Client,
    entrance::{Arriving, By, Entered, Entrance},
    link::{LinkKind, SeenLink},
    log_in::SignIns,
    noun::{Password, PasswordHash},
    verify::VerifyError,
};
use crate::{
    audit::{Actor, AuditAction},
    change::{Change, CommitError, Effects, Guard, commits},
    ending::Grace,
    id::{AccountId, LinkId},
    secret::{LinkToken, PasswordsBusy},
    time::Timestamp,
};

/// A sign-in by link. The link is used, also where the second factor is still to come.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LinkSignIn {
    pub link: LinkId,
    pub at: Timestamp,
    /// Where the address was not verified before.
    pub proof: Option<AddressProof>,
    pub entrance: Entrance,
    pub change: Change,
}

/// Somebody reads mail at an address that was not verified yet. From now on it is, and the password is none.
///
/// Whoever signed up with the address may be somebody else, who waits for its holder to verify it: the password that they chose
/// must not open the account. A verification link keeps the password, as it is mailed to whoever signs up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressProof {
    pub account: AccountId,
    pub password: PasswordHash,
}

impl AddressProof {
    fn by(seen: &SeenLink) -> Option<Self> {
        seen.verified_at.is_none().then(|| Self { account: seen.account, password: PasswordHash::none() })
    }
}

/// A new password. Whoever was signed in with the old one is not any more.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PasswordReset {
    pub link: LinkId,
    pub account: AccountId,
    pub password: PasswordHash,
    pub at: Timestamp,
    pub entrance: Entrance,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    #[error("this link is unknown, used or too old; ask for a new one")]
    InvalidToken,
    #[error(transparent)]
    Busy(#[from] PasswordsBusy),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(ResetError);

impl SeenLink {
    fn arriving(&self) -> Arriving {
        let comes_back = Grace::lasts(self.status, self.purge_at);
        Arriving { account: self.account, has_factor: self.has_factor, comes_back }
    }
}

impl SignIns {
    /// Signs in with a link, or asks for the second factor. An address that was not verified is from now on.
    pub async fn follow(&self, token: &LinkToken, client: &Client) -> Result<Entered, VerifyError> {
        let seen = self.good_link(LinkKind::MagicLink, token).await?.ok_or(VerifyError::InvalidToken)?;
        let (entrance, effects, entered) = self.enter(seen.arriving(), By::MagicLink, client);
        let proof = AddressProof::by(&seen);
        let effects = if proof.is_some() { self.verified(&seen).and(effects) } else { effects };
        let change = Change::new(Guard::seen(seen.account, seen.revision), effects);
        let it = LinkSignIn { link: seen.id, at: self.desk.now(), proof, entrance, change };
        self.store.commit_link_sign_in(&it).await?;
        Ok(entered)
    }

    /// Sets a new password and ends every sign-in. Opening the link proves the address too, so it counts as verified.
    pub async fn reset(&self, token: &LinkToken, password: &Password, client: &Client) -> Result<Entered, ResetError> {
        let seen = self.good_link(LinkKind::PasswordReset, token).await?.ok_or(ResetError::InvalidToken)?;
        let password = self.passwords.hash(password).await?;
        let (entrance, effects, entered) = self.enter(seen.arriving(), By::PasswordReset, client);
        let change = Change::new(Guard::seen(seen.account, seen.revision), self.password_changed(&seen, effects));
        let it =
            PasswordReset { link: seen.id, account: seen.account, password, at: self.desk.now(), entrance, change };
        self.store.commit_password_reset(&it).await?;
        Ok(entered)
    }

    async fn good_link(&self, kind: LinkKind, token: &LinkToken) -> Result<Option<SeenLink>, CommitError> {
        let seen = self.store.seen_link(&token.digest()).await?;
        Ok(seen.filter(|seen| seen.is_good(kind, self.desk.now())))
    }

    /// Before what follows from it.
    fn password_changed(&self, seen: &SeenLink, mut then: Effects) -> Effects {
        let actor = Actor::Customer { account: seen.account, credential: None };
        let entry = self.desk.audit_as(actor, seen.account, AuditAction::PasswordChanged).on(seen.account);
        then.audit.insert(0, entry);
        then
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{
            log_in::tests::{client, sign_ins},
            port::MockSignInStore,
            verify::tests::{link, token},
        },
        testing::people,
    };
    use rstest::rstest;

    fn store(seen: Option<SeenLink>) -> MockSignInStore {
        let mut store = MockSignInStore::new();
        store.expect_seen_link().returning(move |_| Ok(seen.clone()));
        store
    }

    fn of(kind: LinkKind, has_factor: bool) -> SeenLink {
        SeenLink { kind, has_factor, verified_at: Some(people::EARLIER), ..link() }
    }

    fn actions(change: &Change) -> Vec<AuditAction> {
        change.effects.audit.iter().map(|entry| entry.action).collect()
    }

    #[rstest]
    #[case::alone(false, 1)]
    #[case::with_a_second_factor(true, 0)]
    #[tokio::test]
    async fn a_magic_link_signs_in_or_asks_for_the_second_factor(#[case] has_factor: bool, #[case] entries: usize) {
        let mut store = store(Some(of(LinkKind::MagicLink, has_factor)));
        store
            .expect_commit_link_sign_in()
            .times(1)
            .withf(move |it| {
                let effects = &it.change.effects;
                effects.audit.len() == entries && effects.mails.is_empty() && it.proof.is_none()
            })
            .returning(|_| Ok(()));
        let entered = sign_ins(store, true).follow(&token(), &client()).await.unwrap();
        assert_eq!(matches!(entered, Entered::Challenged { .. }), has_factor);
    }

    #[rstest]
    #[case::alone(false, true, &[AuditAction::EmailVerified, AuditAction::LoggedIn])]
    #[case::without_welcome(false, false, &[AuditAction::EmailVerified, AuditAction::LoggedIn])]
    #[case::with_a_second_factor(true, true, &[AuditAction::EmailVerified])]
    #[tokio::test]
    async fn a_magic_link_verifies_an_address_and_takes_the_password_away(
        #[case] has_factor: bool,
        #[case] wants_welcome: bool,
        #[case] entries: &'static [AuditAction],
    ) {
        let seen = SeenLink { verified_at: None, wants_welcome, ..of(LinkKind::MagicLink, has_factor) };
        let proof = AddressProof { account: people::ADA, password: PasswordHash::none() };
        let mut store = store(Some(seen));
        store
            .expect_commit_link_sign_in()
            .times(1)
            .withf(move |it| {
                it.proof.as_ref() == Some(&proof)
                    && actions(&it.change) == entries
                    && it.change.effects.mails.len() == usize::from(wants_welcome)
            })
            .returning(|_| Ok(()));
        assert!(sign_ins(store, true).follow(&token(), &client()).await.is_ok());
    }

    #[rstest]
    #[case::alone(false, &[AuditAction::PasswordChanged, AuditAction::LoggedIn])]
    #[case::with_a_second_factor(true, &[AuditAction::PasswordChanged])]
    #[tokio::test]
    async fn a_reset_is_on_the_log(#[case] has_factor: bool, #[case] entries: &'static [AuditAction]) {
        let mut store = store(Some(of(LinkKind::PasswordReset, has_factor)));
        store
            .expect_commit_password_reset()
            .times(1)
            .withf(move |it| {
                actions(&it.change) == entries && it.account == people::ADA && it.password.as_phc() == "new hash"
            })
            .returning(|_| Ok(()));
        assert!(sign_ins(store, true).reset(&token(), &people::password(), &client()).await.is_ok());
    }

    #[tokio::test]
    async fn both_bring_a_deleted_account_back() {
        let deleted = |kind| {
            let status = crate::account::AccountStatus::Deleted;
            SeenLink { status, purge_at: Some(people::LATER), ..of(kind, false) }
        };
        let restores = |entrance: &Entrance, change: &Change| {
            let restored = |entry: &crate::audit::AuditDraft| entry.action == AuditAction::AccountRestored;
            matches!(entrance, Entrance::Return(_)) && change.effects.audit.iter().any(restored)
        };
        let mut magic = store(Some(deleted(LinkKind::MagicLink)));
        let whole = move |it: &LinkSignIn| restores(&it.entrance, &it.change);
        magic.expect_commit_link_sign_in().times(1).withf(whole).returning(|_| Ok(()));
        assert!(sign_ins(magic, true).follow(&token(), &client()).await.is_ok());
        let mut reset = store(Some(deleted(LinkKind::PasswordReset)));
        let whole = move |it: &PasswordReset| restores(&it.entrance, &it.change);
        reset.expect_commit_password_reset().times(1).withf(whole).returning(|_| Ok(()));
        assert!(sign_ins(reset, true).reset(&token(), &people::password(), &client()).await.is_ok());
    }

    #[rstest]
    #[case::purged(Some(SeenLink { status: crate::account::AccountStatus::Deleted, ..of(LinkKind::MagicLink, false) }))]
    #[case::unknown(None)]
    #[case::of_another_kind(Some(of(LinkKind::Verification, false)))]
    #[case::spent(Some(SeenLink { spent: true, ..of(LinkKind::PasswordReset, false) }))]
    #[tokio::test]
    async fn another_link_does_neither(#[case] seen: Option<SeenLink>) {
        let refused = sign_ins(store(seen.clone()), true).follow(&token(), &client()).await;
        assert!(matches!(refused, Err(VerifyError::InvalidToken)));
        let refused = sign_ins(store(seen), true).reset(&token(), &people::password(), &client()).await;
        assert!(matches!(refused, Err(ResetError::InvalidToken)));
    }
}
