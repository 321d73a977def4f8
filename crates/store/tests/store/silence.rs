//! A database that says nothing any more, neither yes nor no.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use driftstack_domain::{auth::SignInStore as _, change::StoreError, testing::people};
use driftstack_store::{PostgresOptions, PostgresStore};
use driftstack_test_servers::Database;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, split},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::postgres::store;

/// Carries bytes to the database and back until it is told to swallow them.
async fn wire(database: &Database) -> (String, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (server, name) = database.url.trim_start_matches("postgres://postgres@").split_once('/').unwrap();
    let url = format!("postgres://postgres@{}/{name}", listener.local_addr().unwrap());
    let (cut, is_cut) = watch::channel(false);
    let server: Arc<str> = server.into();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(&*server).await.unwrap();
            let ((near_in, near_out), (far_in, far_out)) = (split(near), split(far));
            tokio::spawn(carry(near_in, far_out, is_cut.clone()));
            tokio::spawn(carry(far_in, near_out, is_cut.clone()));
        }
    });
    (url, cut)
}

async fn carry(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, is_cut: watch::Receiver<bool>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if !*is_cut.borrow() {
            let _ = to.write_all(buffer.get(..read).unwrap_or_default()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_ever_and_the_silent_connection_is_not_used_again() {
    let database = Database::create().await;
    store(&database).migrate().await.unwrap();
    let (url, cut) = wire(&database).await;
    let options = PostgresOptions {
        pool_size: 1,
        connect_timeout: Duration::from_millis(300),
        statement_timeout: Duration::from_millis(300),
        ..PostgresOptions::new(url.as_str().into())
    };
    let store = PostgresStore::open(&options).unwrap();
    store.ping().await.unwrap();

    cut.send(true).unwrap();
    let asked = Instant::now();
    let email = people::email("ada@example.com");
    assert!(matches!(store.seen_sign_in(&email).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());

    cut.send(false).unwrap();
    store.ping().await.unwrap();
}
