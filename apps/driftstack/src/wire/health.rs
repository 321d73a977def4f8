//! Whether the store answers.

use async_trait::async_trait;
use driftstack_domain::change::StoreError;
use driftstack_store::{PostgresStore, SqliteStore};

/// Whether the store answers.
#[async_trait]
pub trait Health: Send + Sync {
    async fn ping(&self) -> Result<(), StoreError>;

    /// Connections that are open, and those of them that nobody uses; `None` where there is no pool.
    fn connections(&self) -> Option<(u32, u32)> {
        None
    }
}

#[async_trait]
impl Health for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Self::ping(self).await
    }
}

#[async_trait]
impl Health for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Self::ping(self).await
    }

    fn connections(&self) -> Option<(u32, u32)> {
        let (open, idle) = Self::connections(self);
        Some((u32::try_from(open).unwrap_or(u32::MAX), u32::try_from(idle).unwrap_or(u32::MAX)))
    }
}
