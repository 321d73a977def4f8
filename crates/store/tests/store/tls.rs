//! Postgres over TLS, with an authority of the test run's own.

use driftstack_domain::change::StoreError;
use driftstack_store::{PostgresOptions, PostgresStore};

use driftstack_test_servers::Database;

async fn ping(url: &str) -> Result<(), StoreError> {
    PostgresStore::open(&PostgresOptions::new(url.into())).unwrap().ping().await
}

async fn refused(url: &str) -> String {
    match ping(url).await {
        Err(StoreError::Unavailable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_trusted_authority_is_spoken_to_in_secret() {
    let database = Database::create().await;
    let authority = Database::authority();
    for url in [database.url.clone(), database.url.replace("127.0.0.1", "localhost")] {
        for mode in ["require", "verify-full", "prefer"] {
            let url = format!("{url}?application_name=secret&sslmode={mode}&sslrootcert={authority}");
            let store = PostgresStore::open(&PostgresOptions::new(url.as_str().into())).unwrap();
            store.ping().await.unwrap();
            let sql = "SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                       WHERE application_name = 'secret' AND datname = current_database()";
            let row = database.client().await.query_one(sql, &[]).await.unwrap();
            assert!(row.get::<_, i64>(0) > 0 && row.get::<_, bool>(1), "{mode}");
            store.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_an_unknown_authority_is_not_spoken_to() {
    let database = Database::create().await;
    let why = refused(&format!("{}?sslmode=require", database.url)).await;
    assert!(why.to_lowercase().contains("certificate"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_name_is_not_spoken_to() {
    let database = Database::create().await;
    let elsewhere = database.url.replace("127.0.0.1", "db.example.com");
    let authority = Database::authority();
    let why = refused(&format!("{elsewhere}?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={authority}")).await;
    assert!(why.to_lowercase().contains("not valid for name") || why.to_lowercase().contains("certificate"), "{why}");
}
