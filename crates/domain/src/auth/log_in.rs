//! Signing in with a password.

use std::sync::Arc;

use super::noun::{Password, SeenSignIn};
use super::port::SignInStore;
use super::{
    client::Client,
    entrance::{Arriving, By, Entered, Entrance},
};
use crate::{
    account::AccountStatus,
    change::{Change, CommitError, Guard, commits},
    desk::Desk,
    email::Email,
    ending::Grace,
    mfa::MfaStore,
    secret::{Passwords, PasswordsBusy, SessionTokens},
    web_session::{SignedIn, WebSession},
};

/// A sign-in by password.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SignIn {
    pub entrance: Entrance,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// The same for a wrong password and for an address that has no account.
    #[error("the address and the password do not belong together")]
    InvalidCredentials,
    #[error("this address is not verified yet; follow the link that was mailed, or ask for a new one")]
    EmailNotVerified,
    #[error("this account is suspended; contact support")]
    AccountSuspended,
    #[error(transparent)]
    Busy(#[from] PasswordsBusy),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(LogInError);

/// The ways to sign in.
pub struct SignIns {
    pub(super) store: Arc<dyn SignInStore>,
    pub(super) factors: Arc<dyn MfaStore>,
    pub(super) passwords: Arc<dyn Passwords>,
    tokens: Arc<dyn SessionTokens>,
    pub(super) desk: Desk,
}

impl SignIns {
    pub fn new(
        store: Arc<dyn SignInStore>,
        factors: Arc<dyn MfaStore>,
        passwords: Arc<dyn Passwords>,
        tokens: Arc<dyn SessionTokens>,
        desk: Desk,
    ) -> Self {
        Self { store, factors, passwords, tokens, desk }
    }

    /// Takes the time of one password verification whether or not the address has an account, and says what else is wrong
    /// only to whoever knows the password.
    pub async fn log_in(&self, email: &Email, password: &Password, client: &Client) -> Result<Entered, LogInError> {
        let seen = self.store.seen_sign_in(email).await?;
        let seen = seen.filter(|seen| seen.status != AccountStatus::Deleted || seen.comes_back());
        let right = self.passwords.verify(password, seen.as_ref().map(|seen| seen.password.clone())).await?;
        let seen = seen.filter(|_| right).ok_or(LogInError::InvalidCredentials)?;
        seen.may_sign_in()?;
        let (entrance, effects, entered) = self.enter(seen.arriving(), By::Password, client);
        let change = Change::new(Guard::seen(seen.account, seen.revision), effects);
        self.store.commit_sign_in(&SignIn { entrance, change }).await?;
        Ok(entered)
    }

    pub(super) fn signed_in(&self, session: &WebSession) -> SignedIn {
        let claims = session.claims();
        SignedIn { token: self.tokens.seal(&claims), expires_at: session.expires_at, account: session.account }
    }
}

impl SeenSignIn {
    /// Whether this sign-in, once it is whole, brings a deleted account back.
    fn comes_back(&self) -> bool {
        Grace::lasts(self.status, self.purge_at)
    }

    fn arriving(&self) -> Arriving {
        Arriving { account: self.account, has_factor: self.has_factor, comes_back: self.comes_back() }
    }

    fn may_sign_in(&self) -> Result<(), LogInError> {
        if self.status == AccountStatus::Suspended {
            return Err(LogInError::AccountSuspended);
        }
        if !self.email_verified {
            return Err(LogInError::EmailNotVerified);
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        audit::AuditAction,
        auth::port::MockSignInStore,
        mfa::MockMfaStore,
        secret::{MockPasswords, MockSessionTokens},
        testing::{desk, people},
        web_session::Agent,
    };
    use rstest::rstest;

    pub(in crate::auth) fn client() -> Client {
        Client { agent: Agent::from_header(None), address: "198.51.100.7".to_owned() }
    }

    pub(in crate::auth) fn sign_ins(store: MockSignInStore, right: bool) -> SignIns {
        with_factors(store, MockMfaStore::new(), right)
    }

    pub(in crate::auth) fn with_factors(store: MockSignInStore, factors: MockMfaStore, right: bool) -> SignIns {
        let mut passwords = MockPasswords::new();
        passwords.expect_verify().returning(move |_, hash| Ok(right && hash.is_some()));
        let mut tokens = MockSessionTokens::new();
        passwords.expect_hash().returning(|_| Ok(crate::auth::PasswordHash::from_phc("new hash".to_owned())));
        tokens.expect_seal().returning(|_| "token".into());
        SignIns::new(Arc::new(store), Arc::new(factors), Arc::new(passwords), Arc::new(tokens), desk())
    }

    fn store(seen: Option<SeenSignIn>) -> MockSignInStore {
        let mut store = MockSignInStore::new();
        store.expect_seen_sign_in().returning(move |_| Ok(seen.clone()));
        store
    }

    async fn refusal(seen: Option<SeenSignIn>, right: bool) -> LogInError {
        let email = people::email("ada@example.com");
        sign_ins(store(seen), right).log_in(&email, &people::password(), &client()).await.unwrap_err()
    }

    #[tokio::test]
    async fn the_right_password_begins_a_session_that_is_on_the_log() {
        let mut store = store(Some(people::seen_sign_in(AccountStatus::Active, true)));
        store
            .expect_commit_sign_in()
            .times(1)
            .withf(|it| {
                let Entrance::Session(session) = &it.entrance else { return false };
                it.change.effects.audit[0].target == Some(session.id.to_string())
            })
            .returning(|_| Ok(()));
        let email = people::email("ada@example.com");
        let entered = sign_ins(store, true).log_in(&email, &people::password(), &client()).await.unwrap();
        assert!(matches!(entered, Entered::SignedIn(signed_in) if signed_in.account == people::ADA));
    }

    #[tokio::test]
    async fn whoever_has_a_second_factor_is_challenged_and_not_yet_on_the_log() {
        let mut store =
            store(Some(SeenSignIn { has_factor: true, ..people::seen_sign_in(AccountStatus::Active, true) }));
        store
            .expect_commit_sign_in()
            .times(1)
            .withf(|it| matches!(it.entrance, Entrance::Challenge(_)) && it.change.effects.audit.is_empty())
            .returning(|_| Ok(()));
        let email = people::email("ada@example.com");
        let entered = sign_ins(store, true).log_in(&email, &people::password(), &client()).await.unwrap();
        let until = people::NOW.plus(crate::auth::CHALLENGE_LIFE);
        assert!(matches!(entered, Entered::Challenged { expires_at, .. } if expires_at == until));
    }

    fn deleted(has_factor: bool) -> SeenSignIn {
        let seen = people::seen_sign_in(AccountStatus::Deleted, true);
        SeenSignIn { purge_at: Some(people::LATER), has_factor, ..seen }
    }

    #[tokio::test]
    async fn the_right_password_brings_a_deleted_account_back() {
        let mut store = store(Some(deleted(false)));
        store
            .expect_commit_sign_in()
            .times(1)
            .withf(|it| {
                let actions: Vec<_> = it.change.effects.audit.iter().map(|entry| entry.action).collect();
                matches!(it.entrance, Entrance::Return(_))
                    && actions == [AuditAction::AccountRestored, AuditAction::LoggedIn]
            })
            .returning(|_| Ok(()));
        let email = people::email("ada@example.com");
        assert!(sign_ins(store, true).log_in(&email, &people::password(), &client()).await.is_ok());
        assert!(matches!(refusal(Some(deleted(false)), false).await, LogInError::InvalidCredentials));
    }

    #[tokio::test]
    async fn a_deleted_account_with_a_second_factor_waits_for_it() {
        let mut store = store(Some(deleted(true)));
        store
            .expect_commit_sign_in()
            .times(1)
            .withf(|it| matches!(it.entrance, Entrance::Challenge(_)) && it.change.effects.audit.is_empty())
            .returning(|_| Ok(()));
        let email = people::email("ada@example.com");
        let entered = sign_ins(store, true).log_in(&email, &people::password(), &client()).await.unwrap();
        assert!(matches!(entered, Entered::Challenged { .. }));
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::deleted(Some(people::seen_sign_in(AccountStatus::Deleted, true)))]
    #[tokio::test]
    async fn an_address_without_an_account_is_a_wrong_password(#[case] seen: Option<SeenSignIn>) {
        assert!(matches!(refusal(seen, true).await, LogInError::InvalidCredentials));
    }

    #[rstest]
    #[case::active(AccountStatus::Active, true)]
    #[case::suspended(AccountStatus::Suspended, true)]
    #[case::unverified(AccountStatus::Active, false)]
    #[tokio::test]
    async fn a_wrong_password_learns_nothing_else(#[case] status: AccountStatus, #[case] verified: bool) {
        let refused = refusal(Some(people::seen_sign_in(status, verified)), false).await;
        assert!(matches!(refused, LogInError::InvalidCredentials));
    }

    #[tokio::test]
    async fn the_right_password_learns_what_is_wrong() {
        let suspended = refusal(Some(people::seen_sign_in(AccountStatus::Suspended, true)), true).await;
        assert!(matches!(suspended, LogInError::AccountSuspended));
        let unverified = refusal(Some(people::seen_sign_in(AccountStatus::Active, false)), true).await;
        assert!(matches!(unverified, LogInError::EmailNotVerified));
    }
}
