use async_trait::async_trait;

use super::caller::{Credential, Presented, SeenCaller, SeenInOrganisation};
use crate::{change::StoreError, id::AccountId, time::Timestamp};

/// Looks callers up.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CallerStore: Send + Sync {
    /// Everything about a presented credential and the workspace it wants, as of one moment.
    ///
    /// MUST be one round trip. MUST answer with credentials that are revoked or expired too: the domain tells them apart.
    /// `workspace` is `Some` in the answer only where the account has an active membership on the wanted owner.
    async fn seen_caller(
        &self,
        presented: &Presented,
        wanted: Option<AccountId>,
    ) -> Result<Option<SeenCaller>, StoreError>;

    /// The same, in the active organisation of the caller: that of a key is the account it was minted on.
    ///
    /// MUST be one round trip. `workspace` in the answer is `Some` only where another organisation was chosen and the account
    /// has an active membership on its owner.
    async fn seen_in_organisation(&self, presented: &Presented) -> Result<Option<SeenInOrganisation>, StoreError>;

    /// Notes that a credential was used at `at`, unless a use after `since` is noted already. MUST NOT move any revision.
    async fn touch(&self, credential: Credential, at: Timestamp, since: Timestamp) -> Result<(), StoreError>;
}
