use async_trait::async_trait;

use super::chain::Head;
use super::entry::AuditEntry;
use super::filter::AuditFilter;
use crate::{
    change::StoreError,
    id::{AccountId, AuditId},
    page::{Page, PageRequest},
    secret::Sealed,
};

/// Reads audit logs. Entries are written by the commits of other concepts, and by nothing else.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Newest first; positions are sequence numbers.
    async fn entries(
        &self,
        account: AccountId,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError>;

    /// Where the account's chain ends now.
    async fn head(&self, account: AccountId) -> Result<Head, StoreError>;

    /// Up to `limit` entries from number `newest` down, newest first.
    async fn entries_down_from(
        &self,
        account: AccountId,
        newest: i64,
        limit: u16,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// Up to `limit` entries behind number `after`, oldest first.
    ///
    /// MUST leave out none: once an entry is seen, no lower number appears on that log any more.
    async fn entries_up_from(&self, account: AccountId, after: i64, limit: u16) -> Result<Vec<AuditEntry>, StoreError>;

    /// The keys under which the account's log says something of people, sealed, oldest first; none when it says nothing, or
    /// not any more.
    async fn own_keys(&self, account: AccountId) -> Result<Vec<Sealed>, StoreError>;

    /// The number of an entry; `None` when the account's log has none of this id.
    async fn number_of(&self, account: AccountId, entry: AuditId) -> Result<Option<i64>, StoreError>;
}
