use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use driftstack_domain::{account::AccountStatus, id::AccountId, store::Store};

/// An empty store with its tables in place, and a look behind its back.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    type Store: Store;

    fn store(&self) -> Arc<Self::Store>;

    /// How many rows each table holds: what a refused commit must leave as it was.
    async fn rows(&self) -> BTreeMap<String, i64>;

    /// Everything that every table holds, by table: each row as text, with bytes as hexadecimal digits.
    async fn dump(&self) -> BTreeMap<String, Vec<String>>;

    /// Mails in the outbox that still hold a sealed token.
    async fn sealed_tokens(&self) -> i64;

    /// Gives an account another status, which no use case does yet.
    async fn set_status(&self, account: AccountId, status: AccountStatus);
}
