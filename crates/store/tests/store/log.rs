//! What is on the log stays on it: not the store says so, but the database.

use driftstack_store_contract::World;

use crate::backend::{SqliteFile, world};

async fn refused(sql: &str) {
    let world: std::sync::Arc<World<SqliteFile>> = world().await;
    let olive = world.person("olive").await;
    let log = world.log(olive.id).await;
    let error = world.backend.run(sql).unwrap_err().to_string();
    assert!(error.starts_with("an audit entry is never"), "{error}");
    assert_eq!(world.log(olive.id).await, log);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_cannot_be_changed() {
    refused("UPDATE audit_entries SET action = 'account.login' WHERE seq = 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_cannot_be_removed() {
    refused("DELETE FROM audit_entries WHERE seq = 2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_cannot_be_replaced() {
    let row = "account, seq, id, at, actor_type, NULL, NULL, 'account.login', NULL, '{}', prev_hash, hash, NULL, NULL";
    refused(&format!("INSERT OR REPLACE INTO audit_entries SELECT {row} FROM audit_entries WHERE seq = 1")).await;
}
