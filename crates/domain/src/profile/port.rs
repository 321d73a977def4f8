use async_trait::async_trait;

use super::{create::ProfileCreation, delete::ProfileDeletion, noun::Profile, update::ProfileUpdate};
use crate::{
    change::{CommitError, StoreError},
    id::{AccountId, ProfileId, SessionId},
    page::{Page, PageRequest},
};

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ProfileStore: Send + Sync {
    /// Every profile of the account that is there, newest first; positions are the ids' bits.
    async fn profiles(&self, account: AccountId, page: PageRequest) -> Result<Page<Profile>, StoreError>;

    /// A profile of that account, also one that was deleted.
    async fn profile(&self, account: AccountId, id: ProfileId) -> Result<Option<Profile>, StoreError>;

    /// A session of that account that runs on the profile, if there is one.
    async fn running_on(&self, account: AccountId, id: ProfileId) -> Result<Option<SessionId>, StoreError>;

    /// MUST be `Full` where there are so many as the cap of its guard says or more, also when many ask at once, and
    /// `Taken(Unique::ProfileName)` where another profile of the account has the name; then nothing is written. MUST NOT make
    /// the change of anybody else stale.
    async fn commit_profile_creation(&self, it: &ProfileCreation) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the profile is there; so must the one below. `Taken` as above.
    async fn commit_profile_update(&self, it: &ProfileUpdate) -> Result<(), CommitError>;

    /// MUST be `Stale` while a session runs on the profile. Description and metadata MUST be gone with it, and its name free.
    async fn commit_profile_deletion(&self, it: &ProfileDeletion) -> Result<(), CommitError>;
}
