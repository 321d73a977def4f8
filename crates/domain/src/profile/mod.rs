//! Profiles: what the sessions of a workspace take after, kept for the next time.

mod create;
mod delete;
mod noun;
mod port;
mod update;

pub use create::{CreateProfileError, ProfileCreation};
pub use delete::{DeleteProfileError, ProfileDeletion};
pub use noun::{Description, DescriptionError, Profile, ProfileOrder};
#[cfg(feature = "testing")]
pub use port::MockProfileStore;
pub use port::ProfileStore;
pub use update::{ProfilePatch, ProfileUpdate, UpdateProfileError};

use std::sync::Arc;

use crate::{
    access::Permit,
    change::StoreError,
    desk::Desk,
    id::ProfileId,
    page::{Page, PageRequest},
    policy::action::{ListProfiles, ReadProfile},
};

/// The profiles of a workspace.
pub struct Profiles {
    store: Arc<dyn ProfileStore>,
    desk: Desk,
}

impl Profiles {
    pub fn new(store: Arc<dyn ProfileStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    /// Newest first.
    pub async fn list(&self, by: &Permit<ListProfiles>, page: PageRequest) -> Result<Page<Profile>, StoreError> {
        self.store.profiles(by.workspace(), page).await
    }

    pub async fn read(&self, by: &Permit<ReadProfile>, id: ProfileId) -> Result<Option<Profile>, StoreError> {
        Ok(self.store.profile(by.workspace(), id).await?.filter(Profile::is_there))
    }
}
