//! Proving once more that it is still the holder who sits at a session.

use std::sync::Arc;

use super::{
    noun::{Password, SeenSignIn},
    port::SignInStore,
};
use crate::{
    access::{Credential, Permit},
    audit::AuditAction,
    change::{Change, CommitError, Effects, StoreError, commits},
    desk::Desk,
    id::WebSessionId,
    mfa::{Answer, AnswerError, FactorUse, MfaStore, Outcome, Via},
    policy::action::{StepUpWithCode, StepUpWithPassword},
    secret::{Passwords, PasswordsBusy},
    time::Timestamp,
};

/// A proof that was given at a session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StepUp {
    pub session: WebSessionId,
    pub at: Timestamp,
    /// `None`: it was the password.
    pub used: Option<FactorUse>,
    pub change: Change,
}

/// What a proof was given by, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    pub via: Via,
    pub at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum StepUpError {
    #[error("there is no second factor; prove it with your password at `/v1/auth/step-up`")]
    NoFactor,
    #[error("there is a second factor; prove it with a code at `/v1/auth/mfa/step-up`")]
    FactorEnrolled,
    #[error("this is not the password of the account")]
    WrongPassword,
    #[error(transparent)]
    Answer(AnswerError),
    #[error(transparent)]
    Busy(#[from] PasswordsBusy),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(StepUpError);

impl From<AnswerError> for StepUpError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Commit(error) => Self::Commit(error),
            refusal => Self::Answer(refusal),
        }
    }
}

/// Takes proofs.
pub struct StepUps {
    store: Arc<dyn SignInStore>,
    factors: Arc<dyn MfaStore>,
    passwords: Arc<dyn Passwords>,
    desk: Desk,
}

impl StepUps {
    pub fn new(
        store: Arc<dyn SignInStore>,
        factors: Arc<dyn MfaStore>,
        passwords: Arc<dyn Passwords>,
        desk: Desk,
    ) -> Self {
        Self { store, factors, passwords, desk }
    }

    /// With the second factor. A wrong answer is counted before anybody is told.
    pub async fn with_factor(&self, by: &Permit<StepUpWithCode>, answer: &Answer) -> Result<Proven, StepUpError> {
        let seen = self.factors.seen_factor(by.workspace()).await?.ok_or(StepUpError::NoFactor)?;
        match seen.look_at(answer, by.actor(), &self.desk).map_err(StepUpError::from)? {
            Outcome::Right(used) => self.proven(by, Some(used)).await,
            Outcome::Wrong(miss, refusal) => {
                self.factors.commit_miss(&miss).await?;
                Err(refusal.into())
            }
        }
    }

    /// With the password, by an account that has nothing better.
    pub async fn with_password(
        &self,
        by: &Permit<StepUpWithPassword>,
        password: &Password,
    ) -> Result<Proven, StepUpError> {
        let seen = self.store.seen_holder(by.workspace()).await?;
        let seen: SeenSignIn = seen.ok_or_else(|| StoreError::Failed("a caller's account is missing".to_owned()))?;
        if seen.has_factor {
            return Err(StepUpError::FactorEnrolled);
        }
        if !self.passwords.verify(password, Some(seen.password)).await? {
            return Err(StepUpError::WrongPassword);
        }
        self.proven(by, None).await
    }

    async fn proven<A>(&self, by: &Permit<A>, used: Option<FactorUse>) -> Result<Proven, StepUpError> {
        let via = used.map_or(Via::Password, |used| used.via());
        // The policy lets in nobody but a session; there is no other credential that a proof could be noted at.
        let Credential::Session(session) = by.access().credential else { return Err(StepUpError::NoFactor) };
        let entry = self.desk.audit(by, AuditAction::SteppedUp).on(session).with("via", via.as_str());
        let at = self.desk.now();
        let it = StepUp { session, at, used, change: Change::new(by, Effects::audited(entry)) };
        self.store.commit_step_up(&it).await?;
        Ok(Proven { via, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::AccountStatus,
        auth::port::MockSignInStore,
        mfa::{MockMfaStore, SeenFactor, testing},
        secret::MockPasswords,
        testing::{desk, people},
    };

    fn step_ups(store: MockSignInStore, factor: Option<SeenFactor>, right: bool) -> StepUps {
        let (mut factors, mut passwords) = (MockMfaStore::new(), MockPasswords::new());
        factors.expect_seen_factor().returning(move |_| Ok(factor.clone()));
        factors.expect_commit_miss().returning(|_| Ok(()));
        passwords.expect_verify().returning(move |_, _| Ok(right));
        StepUps::new(Arc::new(store), Arc::new(factors), Arc::new(passwords), desk())
    }

    fn holder(has_factor: bool) -> MockSignInStore {
        let mut store = MockSignInStore::new();
        let seen = SeenSignIn { has_factor, ..people::seen_sign_in(AccountStatus::Active, true) };
        store.expect_seen_holder().returning(move |_| Ok(Some(seen.clone())));
        store
    }

    #[tokio::test]
    async fn a_right_code_is_noted_at_the_session() {
        let mut store = MockSignInStore::new();
        store
            .expect_commit_step_up()
            .times(1)
            .withf(|it| it.session == people::SESSION && it.used.is_some() && it.at == people::NOW)
            .returning(|_| Ok(()));
        let proven = step_ups(store, Some(testing::seen_factor()), true)
            .with_factor(&people::permit(), &testing::code(people::NOW))
            .await
            .unwrap();
        assert_eq!(proven, Proven { via: Via::Totp, at: people::NOW });
    }

    #[tokio::test]
    async fn a_wrong_code_and_no_factor_are_refused() {
        let wrong = step_ups(MockSignInStore::new(), Some(testing::seen_factor()), true)
            .with_factor(&people::permit(), &testing::wrong_code())
            .await;
        assert!(matches!(wrong, Err(StepUpError::Answer(AnswerError::WrongCode))));
        let none = step_ups(MockSignInStore::new(), None, true)
            .with_factor(&people::permit(), &testing::code(people::NOW))
            .await;
        assert!(matches!(none, Err(StepUpError::NoFactor)));
    }

    #[tokio::test]
    async fn the_password_will_do_where_there_is_nothing_better() {
        let mut store = holder(false);
        store.expect_commit_step_up().times(1).withf(|it| it.used.is_none()).returning(|_| Ok(()));
        let proven = step_ups(store, None, true).with_password(&people::permit(), &people::password()).await.unwrap();
        assert_eq!(proven.via, Via::Password);
    }

    #[tokio::test]
    async fn a_wrong_password_and_one_beside_a_factor_are_refused() {
        let wrong = step_ups(holder(false), None, false).with_password(&people::permit(), &people::password()).await;
        assert!(matches!(wrong, Err(StepUpError::WrongPassword)));
        let beside = step_ups(holder(true), None, true).with_password(&people::permit(), &people::password()).await;
        assert!(matches!(beside, Err(StepUpError::FactorEnrolled)));
    }
}
