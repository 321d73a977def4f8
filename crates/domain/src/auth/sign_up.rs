//! A new account.

use std::sync::Arc;

use super::link::{LinkKind, NewLink};
use super::noun::{Password, PasswordHash};
use super::port::SignInStore;
use crate::{
    account::Account,
    audit::{Actor, AuditAction},
    change::{Change, CommitError, Effects, Guard, Unique},
    desk::Desk,
    email::Email,
    id::{AccountId, TeamId},
    mail::MailContent,
    name::Name,
    secret::{LinkToken, Passwords, PasswordsBusy},
    team::Team,
    tier::Tier,
    time::Timestamp,
};

/// An account with its team, and the link that will verify its address.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Registration {
    pub account: Account,
    pub staff: bool,
    pub verified_at: Option<Timestamp>,
    pub password: PasswordHash,
    pub team: Team,
    pub link: Option<NewLink>,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    #[error("this address already has an account; sign in instead")]
    EmailTaken,
    #[error(transparent)]
    Busy(#[from] PasswordsBusy),
    #[error(transparent)]
    Commit(CommitError),
}

impl From<CommitError> for SignUpError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Taken(Unique::Email) => Self::EmailTaken,
            other => Self::Commit(other),
        }
    }
}

/// Signing up, by oneself or by the operator.
pub struct SignUps {
    store: Arc<dyn SignInStore>,
    passwords: Arc<dyn Passwords>,
    desk: Desk,
}

impl SignUps {
    pub fn new(store: Arc<dyn SignInStore>, passwords: Arc<dyn Passwords>, desk: Desk) -> Self {
        Self { store, passwords, desk }
    }

    /// Creates an unverified account and mails its link. Answers until when the link works.
    pub async fn sign_up(
        &self,
        email: Email,
        password: &Password,
        name: Option<Name>,
    ) -> Result<Timestamp, SignUpError> {
        let hash = self.passwords.hash(password).await?;
        let account = Account::new(AccountId::new(self.desk.ids.next()), email, name, self.desk.now());
        let token = LinkToken::generate(self.desk.secrets.as_ref());
        let expires_at = self.desk.now().plus(LinkKind::Verification.life());
        let mail =
            self.desk.mail_with_link(account.email.clone(), MailContent::SignupVerification { expires_at }, &token);
        let link = NewLink::new(&self.desk, LinkKind::Verification, account.id, &token, expires_at);
        let actor = Actor::Customer { account: account.id, credential: None };
        let mut it = self.registration(account, hash, actor);
        it.link = Some(link);
        it.change.effects = it.change.effects.mailed([mail]);
        self.store.commit_registration(&it).await?;
        Ok(expires_at)
    }

    /// Creates an account on the operator's word: its address counts as verified.
    pub async fn create(
        &self,
        email: Email,
        password: &Password,
        name: Option<Name>,
        tier: Tier,
        staff: bool,
    ) -> Result<AccountId, SignUpError> {
        let hash = self.passwords.hash(password).await?;
        let account =
            Account { tier, ..Account::new(AccountId::new(self.desk.ids.next()), email, name, self.desk.now()) };
        let mut it = self.registration(account, hash, Actor::System);
        it.staff = staff;
        it.verified_at = Some(self.desk.now());
        self.store.commit_registration(&it).await?;
        Ok(it.account.id)
    }

    fn registration(&self, account: Account, password: PasswordHash, actor: Actor) -> Registration {
        let entry = self.desk.audit_as(actor, account.id, AuditAction::AccountCreated).on(account.id);
        let team = Team::new(TeamId::new(self.desk.ids.next()), &account);
        let change = Change::new(Guard::none(), Effects::audited(entry));
        Registration { account, staff: false, verified_at: None, password, team, link: None, change }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::port::MockSignInStore,
        secret::MockPasswords,
        testing::{desk, people},
    };

    fn sign_ups(store: MockSignInStore) -> SignUps {
        let mut passwords = MockPasswords::new();
        passwords.expect_hash().returning(|_| Ok(PasswordHash::from_phc("hash".into())));
        SignUps::new(Arc::new(store), Arc::new(passwords), desk())
    }

    #[tokio::test]
    async fn a_sign_up_commits_account_team_link_entry_and_mail_together() {
        let mut store = MockSignInStore::new();
        store
            .expect_commit_registration()
            .times(1)
            .withf(|it| {
                it.verified_at.is_none()
                    && !it.staff
                    && it.account.tier == Tier::Free
                    && it.team.owner == it.account.id
                    && it.link.as_ref().is_some_and(|link| link.account == it.account.id)
                    && it.change.effects.audit.len() == 1
                    && it.change.effects.mails.len() == 1
            })
            .returning(|_| Ok(()));
        let until = sign_ups(store).sign_up(people::email("ada@example.com"), &people::password(), None).await.unwrap();
        assert_eq!(until, people::NOW.plus(LinkKind::Verification.life()));
    }

    #[tokio::test]
    async fn a_taken_address_is_its_own_refusal() {
        let mut store = MockSignInStore::new();
        store.expect_commit_registration().returning(|_| Err(CommitError::Taken(Unique::Email)));
        let refused = sign_ups(store).sign_up(people::email("ada@example.com"), &people::password(), None).await;
        assert!(matches!(refused, Err(SignUpError::EmailTaken)));
    }
}
