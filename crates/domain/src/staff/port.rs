use async_trait::async_trait;

use super::{
    change_plan::PlanChange,
    change_tier::TierChange,
    look::EmailStart,
    note::SupportNote,
    noun::{AccountListed, SeenAccount, Tie},
    operate::{OperatorKey, StaffChange},
    override_limit::OverrideChange,
    suspend::StatusChange,
    transfer::OwnershipTransfer,
};
use crate::{
    change::{CommitError, StoreError},
    email::Email,
    id::AccountId,
    page::{Page, PageRequest},
};

/// Accounts as others see them who may act on them. One that is deleted MUST NOT be in any answer.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StaffStore: Send + Sync {
    async fn account_by_email(&self, email: &Email) -> Result<Option<SeenAccount>, StoreError>;

    async fn account(&self, id: AccountId) -> Result<Option<SeenAccount>, StoreError>;

    /// Newest first; positions are the ids' bits.
    async fn accounts(&self, page: PageRequest) -> Result<Page<AccountListed>, StoreError>;

    /// Those whose address begins so, in the order of the addresses' bytes; positions are the ids' bits.
    async fn accounts_by_email(&self, start: &EmailStart, page: PageRequest)
    -> Result<Page<AccountListed>, StoreError>;

    async fn tie(&self, owner: AccountId, other: AccountId) -> Result<Tie, StoreError>;

    async fn commit_tier(&self, it: &TierChange) -> Result<(), CommitError>;

    async fn commit_plan(&self, it: &PlanChange) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the account has the status that it comes from.
    async fn commit_status(&self, it: &StatusChange) -> Result<(), CommitError>;

    async fn commit_overrides(&self, it: &OverrideChange) -> Result<(), CommitError>;

    async fn commit_note(&self, it: &SupportNote) -> Result<(), CommitError>;

    /// MUST move every active membership, every open invite and every key of the one account to the other, and void the open
    /// invites of the other. MUST be `Stale` unless the ended membership is active and each team has the owner it had.
    async fn commit_transfer(&self, it: &OwnershipTransfer) -> Result<(), CommitError>;

    async fn commit_staff(&self, it: &StaffChange) -> Result<(), CommitError>;

    async fn commit_operator_key(&self, it: &OperatorKey) -> Result<(), CommitError>;
}
