use async_trait::async_trait;

use super::{
    answer::Miss,
    enroll::{Enrolment, FactorActivation},
    manage::{FactorRemoval, NewRecoveryCodes},
    noun::{Factor, SeenFactor},
};
use crate::{
    change::{CommitError, StoreError},
    email::Email,
    id::AccountId,
};

/// What an enrolment is decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenEnrolment {
    /// Also one that waits for its first code.
    pub factor: Option<Factor>,
    pub email: Email,
}

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait MfaStore: Send + Sync {
    /// The factor of the account, whether or not it has been verified.
    async fn seen_enrolment(&self, account: AccountId) -> Result<SeenEnrolment, StoreError>;

    /// The factor of the account if it is enrolled, with its unused recovery codes.
    async fn seen_factor(&self, account: AccountId) -> Result<Option<SeenFactor>, StoreError>;

    /// Replaces a factor that waits. MUST be `Stale` when the account has one that is enrolled.
    async fn commit_enrolment(&self, it: &Enrolment) -> Result<(), CommitError>;

    /// MUST be `Stale` unless that factor waits for its first code.
    async fn commit_activation(&self, it: &FactorActivation) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the factor is there; so must the one below.
    async fn commit_factor_removal(&self, it: &FactorRemoval) -> Result<(), CommitError>;

    async fn commit_new_recovery_codes(&self, it: &NewRecoveryCodes) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the wrong answers are as many as were seen, so that of two guesses at once each is counted.
    async fn commit_miss(&self, it: &Miss) -> Result<(), CommitError>;
}
