//! API keys: credentials for programs.

pub(crate) mod key_text;
mod mint;
mod noun;
mod port;
mod revoke;
mod rotate;

pub use key_text::{KeyPrefix, looks_like_a_key};
pub(crate) use mint::MAX_KEYS;
pub use mint::{KeyOrder, MintError, Minted, Minting};
pub use noun::ApiKey;
pub use port::ApiKeyStore;
#[cfg(feature = "testing")]
pub use port::MockApiKeyStore;
pub use revoke::{KeyRevocation, RevokeKeyError};
pub use rotate::{ROTATION_GRACE, RotateError, Rotated, Rotation};

use std::sync::Arc;

use crate::{
    access::Permit,
    change::StoreError,
    desk::Desk,
    page::{Page, PageRequest},
    policy::action::ListKeys,
};

/// The keys of a workspace.
pub struct ApiKeys {
    store: Arc<dyn ApiKeyStore>,
    desk: Desk,
}

impl ApiKeys {
    pub fn new(store: Arc<dyn ApiKeyStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    /// All of them, also revoked and expired ones, newest first.
    pub async fn list(&self, by: &Permit<ListKeys>, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        self.store.keys(by.workspace(), page).await
    }
}
