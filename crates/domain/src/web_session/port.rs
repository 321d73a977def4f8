use async_trait::async_trait;

use super::refresh::{SessionEnd, SessionRenewal};
use crate::{
    account::AccountStatus,
    change::{CommitError, Revision, StoreError},
    id::{AccountId, WebSessionId},
    time::Timestamp,
};

/// A session as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenSession {
    pub id: WebSessionId,
    pub account: AccountId,
    pub status: AccountStatus,
    pub revision: Revision,
    pub generation: i32,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait WebSessionStore: Send + Sync {
    async fn seen_session(&self, id: WebSessionId) -> Result<Option<SeenSession>, StoreError>;

    /// MUST be `Stale` unless the session is live and still at the generation that the record was decided on.
    async fn commit_renewal(&self, it: &SessionRenewal) -> Result<(), CommitError>;

    async fn commit_end(&self, it: &SessionEnd) -> Result<(), CommitError>;
}
