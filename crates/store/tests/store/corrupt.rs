//! A stored value that no rule of the domain has written is an error that names its place.

use driftstack_domain::{
    access::CallerStore,
    account::AccountStore,
    audit::{AuditFilter, AuditStore},
    change::StoreError,
    page::PageRequest,
};

use crate::backend::world;

fn place<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> (&'static str, &'static str) {
    match answer.unwrap_err() {
        StoreError::Corrupt { table, column, problem } => {
            assert!(!problem.is_empty());
            (table, column)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_none() {
    let world = world().await;
    let olive = world.person("olive").await;
    world.backend.run("UPDATE accounts SET tier = 'platinum'").unwrap();
    assert_eq!(place(world.store.own_account(olive.id).await), ("accounts", "tier"));
    assert_eq!(place(world.store.seen_caller(&olive.presented, None).await), ("accounts", "tier"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_out_of_range() {
    let world = world().await;
    let olive = world.person("olive").await;
    world.backend.run("UPDATE accounts SET created_at = -1").unwrap();
    assert_eq!(place(world.store.own_account(olive.id).await), ("accounts", "created_at"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_no_object() {
    let world = world().await;
    let olive = world.person("olive").await;
    let entry =
        "account, 9, randomblob(16), at, actor_type, NULL, NULL, action, NULL, '[1]', prev_hash, hash, NULL, NULL";
    world.backend.run(&format!("INSERT INTO audit_entries SELECT {entry} FROM audit_entries WHERE seq = 1")).unwrap();
    let page = world.store.entries(olive.id, &AuditFilter::default(), PageRequest::default()).await;
    assert_eq!(place(page), ("audit_entries", "payload"));
}
