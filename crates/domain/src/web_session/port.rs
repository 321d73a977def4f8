use async_trait::async_trait;

use super::{
    noun::LiveSession,
    refresh::{SessionEnd, SessionRenewal},
    revoke::OtherSessionsEnd,
};
use crate::{
    account::AccountStatus,
    change::{CommitError, Revision, StoreError},
    id::{AccountId, WebSessionId},
    page::{Page, PageRequest},
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

    /// The sessions of the account that are live at `now`, newest first; positions are the ids' bits.
    async fn live_sessions(
        &self,
        account: AccountId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<LiveSession>, StoreError>;

    /// How many sessions of the account are live at `now` besides `kept`.
    async fn count_others(&self, account: AccountId, kept: WebSessionId, now: Timestamp) -> Result<u32, StoreError>;

    /// MUST be `Stale` unless there are as many to end as were seen.
    async fn commit_others_end(&self, it: &OtherSessionsEnd) -> Result<(), CommitError>;
}
