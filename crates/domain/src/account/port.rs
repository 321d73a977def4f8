use async_trait::async_trait;

use super::{edit::ProfileChange, noun::OwnAccount};
use crate::{
    change::{CommitError, StoreError},
    id::AccountId,
};

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AccountStore: Send + Sync {
    async fn own_account(&self, id: AccountId) -> Result<Option<OwnAccount>, StoreError>;

    /// MUST answer `Taken(Unique::Slug)` when another account has the slug, also when both ask at once.
    async fn commit_profile(&self, it: &ProfileChange) -> Result<(), CommitError>;
}
