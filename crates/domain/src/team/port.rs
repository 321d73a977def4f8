use async_trait::async_trait;

use super::{noun::Team, rename::Renaming};
use crate::{
    change::{CommitError, StoreError},
    id::AccountId,
};

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TeamStore: Send + Sync {
    async fn team_of(&self, owner: AccountId) -> Result<Option<Team>, StoreError>;

    async fn commit_renaming(&self, it: &Renaming) -> Result<(), CommitError>;
}
