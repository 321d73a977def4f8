use async_trait::async_trait;

use super::{
    delete::Deletion,
    noun::{HeldAccount, HeldEvent, HeldLink, HeldMail, HeldSignIn, PurgePlace, SeenEnding, SeenPurge},
    purge::Purge,
};
use crate::{
    change::{CommitError, StoreError},
    id::AccountId,
    membership::Invite,
    page::{Page, PageRequest},
    profile::Profile,
    time::Timestamp,
    usage::DayMinutes,
    webhook::Endpoint,
};

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait EndingStore: Send + Sync {
    /// The revision of an owner MUST NOT be newer than the keys that are in the member's hands there. MUST name every key on
    /// the account that is not revoked.
    async fn seen_ending(&self, account: AccountId) -> Result<Option<SeenEnding>, StoreError>;

    /// MUST end every sign-in and session of the account, revoke its keys and those of the departures, void its links
    /// and its open invites, forget its challenges, and end the memberships. MUST be `Stale` unless the account is active and
    /// on exactly those teams, and exactly those sessions run.
    async fn commit_deletion(&self, it: &Deletion) -> Result<(), CommitError>;

    /// Up to `limit` deleted accounts whose grace is over at `now`, the longest first, behind that place.
    async fn due_purges(
        &self,
        now: Timestamp,
        behind: Option<PurgePlace>,
        limit: u16,
    ) -> Result<Vec<SeenPurge>, StoreError>;

    /// One of them.
    async fn due_purge(&self, account: AccountId, now: Timestamp) -> Result<Option<SeenPurge>, StoreError>;

    /// MUST leave nothing in any table that says who it was, but the row of the account and its log; what the log says of
    /// people MUST NOT be readable any more. MUST hand the picture to the sweeper. MUST leave what others have written and not
    /// sent yet to the address: that is for whoever has the mailbox.
    ///
    /// MUST be `Stale` unless the account is deleted and due, so that of a restoration and a purge one comes first.
    async fn commit_purge(&self, it: &Purge) -> Result<(), CommitError>;
}

/// What is held on an account and is in no other list. Newest first; positions are the ids' bits, unless told otherwise.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait HoldingStore: Send + Sync {
    /// Also those that are over.
    async fn every_sign_in(&self, account: AccountId, page: PageRequest) -> Result<Page<HeldSignIn>, StoreError>;

    /// Also those that are accepted, void or expired.
    async fn every_invite(&self, account: AccountId, page: PageRequest) -> Result<Page<Invite>, StoreError>;

    /// Those that may still be opened at `now`.
    async fn pending_links(
        &self,
        account: AccountId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<HeldLink>, StoreError>;

    async fn caused_mails(&self, account: AccountId, page: PageRequest) -> Result<Page<HeldMail>, StoreError>;

    async fn held_account(&self, account: AccountId) -> Result<Option<HeldAccount>, StoreError>;

    /// Positions are the numbers of the days.
    async fn every_usage_day(&self, account: AccountId, page: PageRequest) -> Result<Page<DayMinutes>, StoreError>;

    /// Also those that are deleted; of these a name is left.
    async fn every_profile(&self, account: AccountId, page: PageRequest) -> Result<Page<Profile>, StoreError>;

    /// Also those that are deleted.
    async fn every_endpoint(&self, account: AccountId, page: PageRequest) -> Result<Page<Endpoint>, StoreError>;

    /// With all deliveries of each.
    async fn every_event(&self, account: AccountId, page: PageRequest) -> Result<Page<HeldEvent>, StoreError>;
}
