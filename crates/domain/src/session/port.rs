use async_trait::async_trait;

use super::{create::SessionCreation, destroy::SessionDestruction, noun::Session};
use crate::{
    change::{CommitError, StoreError},
    id::{AccountId, SessionId},
    page::{Page, PageRequest},
};

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Every session of the account, newest first; positions are the ids' bits.
    async fn sessions(&self, account: AccountId, page: PageRequest) -> Result<Page<Session>, StoreError>;

    /// A session of that account, whatever its state.
    async fn session(&self, account: AccountId, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// MUST be `Full` where so many run as the cap of its guard says or more, also when many ask at once; then nothing is
    /// written. MUST NOT make another creation stale, nor the change of anybody else.
    async fn commit_session_creation(&self, it: &SessionCreation) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the session runs. Its minutes MUST be counted in the same transaction.
    async fn commit_session_destruction(&self, it: &SessionDestruction) -> Result<(), CommitError>;
}
