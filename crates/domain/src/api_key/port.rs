use async_trait::async_trait;

use super::{mint::Minting, noun::ApiKey, revoke::KeyRevocation, rotate::Rotation};
use crate::{
    change::{CommitError, StoreError},
    id::{AccountId, ApiKeyId},
    page::{Page, PageRequest},
};

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Every key of the account, newest first; positions are the ids' bits.
    async fn keys(&self, account: AccountId, page: PageRequest) -> Result<Page<ApiKey>, StoreError>;

    /// A key of that account, whatever its state.
    async fn seen_key(&self, account: AccountId, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    async fn commit_minting(&self, it: &Minting) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the old key is unrevoked; so must the one below.
    async fn commit_rotation(&self, it: &Rotation) -> Result<(), CommitError>;

    async fn commit_key_revocation(&self, it: &KeyRevocation) -> Result<(), CommitError>;
}
