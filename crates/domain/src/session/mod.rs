//! Sessions: what runs on a workspace, as records. A sign-in is something else, see [`crate::web_session`].

mod archetype;
mod create;
mod destroy;
mod metadata;
mod noun;
mod port;

pub use archetype::{Archetype, ArchetypeError};
pub use create::{CreateSessionError, SessionCreation};
pub use destroy::{DestroySessionError, EndedSession, SessionDestruction};
pub use metadata::{Metadata, MetadataError};
pub use noun::{
    Behavior, BehaviorError, Purpose, PurposeError, Session, SessionOrder, SessionState, SessionStateError,
};
#[cfg(feature = "testing")]
pub use port::MockSessionStore;
pub use port::SessionStore;

use std::sync::Arc;

use crate::{
    access::Permit,
    change::StoreError,
    desk::Desk,
    id::SessionId,
    page::{Page, PageRequest},
    policy::action::{BrowseSessions, ReadSession},
    profile::ProfileStore,
};

/// The sessions of a workspace.
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    profiles: Arc<dyn ProfileStore>,
    desk: Desk,
}

impl Sessions {
    pub fn new(store: Arc<dyn SessionStore>, profiles: Arc<dyn ProfileStore>, desk: Desk) -> Self {
        Self { store, profiles, desk }
    }

    /// All of them, also those that have ended, newest first.
    pub async fn list(&self, by: &Permit<BrowseSessions>, page: PageRequest) -> Result<Page<Session>, StoreError> {
        self.store.sessions(by.workspace(), page).await
    }

    pub async fn read(&self, by: &Permit<ReadSession>, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.store.session(by.workspace(), id).await
    }
}
