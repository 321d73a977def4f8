//! The file: how it is made, migrated, closed and opened again.

use std::time::{Duration, Instant};

use driftstack_domain::{account::AccountStore, change::StoreError};
use driftstack_store::{MigrateError, SqliteStore};
use driftstack_store_contract::Backend;

use crate::backend::{sqlite_file, world};

#[tokio::test]
async fn a_new_file_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some/where/driftstack.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.migrate().await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", path.display());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn migrating_twice_is_migrating_once() {
    let file = sqlite_file().await;
    assert!(file.store().migrate().await.unwrap().applied.is_empty());
    assert!(file.store().ping().await.is_ok());
}

#[tokio::test]
async fn an_older_binary_refuses_a_newer_schema() {
    let file = sqlite_file().await;
    file.run("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')").unwrap();
    let refused = file.store().migrate().await.unwrap_err();
    assert!(matches!(&refused, MigrateError::NewerSchema { unknown } if *unknown == ["99991231000000"]), "{refused:?}");
    assert!(refused.to_string().contains("newer version of driftstack"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_there_when_the_file_is_opened_again() {
    let world = world().await;
    let olive = world.person("olive").await;
    let before = world.store.own_account(olive.id).await.unwrap();
    SqliteStore::clone(&world.store).close().await;
    let wal = world.backend.path().with_extension("db-wal");
    assert!(!wal.exists(), "a closed store leaves one file");
    let again = SqliteStore::open(&world.backend.path()).await.unwrap();
    assert!(again.migrate().await.unwrap().applied.is_empty());
    assert_eq!(again.own_account(olive.id).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_is_unavailable_through_every_handle() {
    let world = world().await;
    let olive = world.person("olive").await;
    SqliteStore::clone(&world.store).close().await;
    assert!(matches!(world.store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(world.store.own_account(olive.id).await, Err(StoreError::Unavailable(_))));
    assert!(
        world
            .sign_ins()
            .log_in(
                &olive.email,
                &driftstack_domain::testing::people::password(),
                &driftstack_store_contract::world::client()
            )
            .await
            .is_err()
    );
    // Closing twice is closing once.
    SqliteStore::clone(&world.store).close().await;
}

#[tokio::test]
async fn opening_is_fast() {
    let file = sqlite_file().await;
    let begun = Instant::now();
    let store = SqliteStore::open(&file.path()).await.unwrap();
    store.migrate().await.unwrap();
    // A few milliseconds when nobody else is on the machine; a service has 300 to start in.
    assert!(begun.elapsed() < Duration::from_millis(250), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_path_that_is_none_is_an_error() {
    let refused = SqliteStore::open(std::path::Path::new("/dev/null/driftstack.db")).await.unwrap_err();
    assert!(refused.to_string().contains("/dev/null/driftstack.db"), "{refused}");
}
