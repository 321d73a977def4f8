use async_trait::async_trait;

use super::operate::{OperatorKey, StaffChange, TierChange};
use crate::{
    change::{CommitError, Revision, StoreError},
    email::Email,
    id::AccountId,
    tier::Tier,
};

/// An account as the operator finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenAccount {
    pub id: AccountId,
    pub email: Email,
    pub tier: Tier,
    pub staff: bool,
    pub revision: Revision,
    /// Whether it wants the mail about a changed tier.
    pub wants_tier_mail: bool,
}

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StaffStore: Send + Sync {
    /// An account that is not deleted.
    async fn account_by_email(&self, email: &Email) -> Result<Option<SeenAccount>, StoreError>;

    async fn commit_tier(&self, it: &TierChange) -> Result<(), CommitError>;

    async fn commit_staff(&self, it: &StaffChange) -> Result<(), CommitError>;

    async fn commit_operator_key(&self, it: &OperatorKey) -> Result<(), CommitError>;
}
