//! Signing in with a password.

use std::sync::Arc;

use super::noun::{Password, SeenSignIn};
use super::port::SignInStore;
use crate::{
    access::Credential,
    account::AccountStatus,
    audit::{Actor, AuditAction},
    change::{Change, CommitError, Effects, Guard, commits},
    desk::Desk,
    email::Email,
    secret::{Passwords, PasswordsBusy, SessionTokens},
    web_session::{Agent, SignedIn, WebSession},
};

/// A session that begins with a sign-in.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SignIn {
    pub session: WebSession,
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
    passwords: Arc<dyn Passwords>,
    tokens: Arc<dyn SessionTokens>,
    pub(super) desk: Desk,
}

impl SignIns {
    pub fn new(
        store: Arc<dyn SignInStore>,
        passwords: Arc<dyn Passwords>,
        tokens: Arc<dyn SessionTokens>,
        desk: Desk,
    ) -> Self {
        Self { store, passwords, tokens, desk }
    }

    /// Takes the time of one password verification whether or not the address has an account, and says what else is wrong
    /// only to whoever knows the password.
    pub async fn log_in(&self, email: &Email, password: &Password, agent: Agent) -> Result<SignedIn, LogInError> {
        let seen = self.store.seen_sign_in(email).await?;
        let seen = seen.filter(|seen| seen.status != AccountStatus::Deleted);
        let right = self.passwords.verify(password, seen.as_ref().map(|seen| seen.password.clone())).await?;
        let seen = seen.filter(|_| right).ok_or(LogInError::InvalidCredentials)?;
        let it = self.sign_in(&seen, agent)?;
        self.store.commit_sign_in(&it).await?;
        Ok(self.signed_in(&it.session))
    }

    fn sign_in(&self, seen: &SeenSignIn, agent: Agent) -> Result<SignIn, LogInError> {
        if seen.status == AccountStatus::Suspended {
            return Err(LogInError::AccountSuspended);
        }
        if !seen.email_verified {
            return Err(LogInError::EmailNotVerified);
        }
        let session = WebSession::begin(&self.desk, seen.account, agent);
        let actor = Actor::Customer { account: seen.account, credential: Some(Credential::Session(session.id)) };
        let entry = self
            .desk
            .audit_as(actor, seen.account, AuditAction::LoggedIn)
            .on(session.id)
            .with("os", session.agent.os.as_str())
            .with("browser", session.agent.browser.as_str());
        let change = Change::new(Guard::seen(seen.account, seen.revision), Effects::audited(entry));
        Ok(SignIn { session, change })
    }

    pub(super) fn signed_in(&self, session: &WebSession) -> SignedIn {
        let claims = session.claims();
        SignedIn { token: self.tokens.seal(&claims), expires_at: session.expires_at, account: session.account }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        auth::port::MockSignInStore,
        secret::{MockPasswords, MockSessionTokens},
        testing::{desk, people},
    };
    use rstest::rstest;

    pub(in crate::auth) fn sign_ins(store: MockSignInStore, right: bool) -> SignIns {
        let mut passwords = MockPasswords::new();
        passwords.expect_verify().returning(move |_, hash| Ok(right && hash.is_some()));
        let mut tokens = MockSessionTokens::new();
        tokens.expect_seal().returning(|_| "token".into());
        SignIns::new(Arc::new(store), Arc::new(passwords), Arc::new(tokens), desk())
    }

    fn store(seen: Option<SeenSignIn>) -> MockSignInStore {
        let mut store = MockSignInStore::new();
        store.expect_seen_sign_in().returning(move |_| Ok(seen.clone()));
        store
    }

    async fn refusal(seen: Option<SeenSignIn>, right: bool) -> LogInError {
        let email = people::email("ada@example.com");
        sign_ins(store(seen), right).log_in(&email, &people::password(), Agent::from_header(None)).await.unwrap_err()
    }

    #[tokio::test]
    async fn the_right_password_begins_a_session_that_is_on_the_log() {
        let mut store = store(Some(people::seen_sign_in(AccountStatus::Active, true)));
        store
            .expect_commit_sign_in()
            .times(1)
            .withf(|it| it.change.effects.audit[0].target == Some(it.session.id.to_string()))
            .returning(|_| Ok(()));
        let email = people::email("ada@example.com");
        let signed_in =
            sign_ins(store, true).log_in(&email, &people::password(), Agent::from_header(None)).await.unwrap();
        assert_eq!(signed_in.account, people::ADA);
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
