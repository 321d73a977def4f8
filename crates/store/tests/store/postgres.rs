//! The contract on Postgres, and what is this engine's own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use driftstack_domain::{
    account::AccountStatus,
    change::StoreError,
    id::AccountId,
    session::{CreateSessionError, Session, SessionOrder},
};
use driftstack_store::{MigrateError, PostgresOptions, PostgresStore};
use driftstack_store_contract::{Backend, World};
use futures_util::future::{join, join_all};
use rstest::rstest;
use tokio::time::timeout;
use tokio_postgres::Client;

use driftstack_test_servers::Database;

pub(crate) struct PostgresDatabase {
    store: Arc<PostgresStore>,
    pub(crate) database: Database,
}

pub(crate) fn options(database: &Database) -> PostgresOptions {
    PostgresOptions::new(database.url.as_str().into())
}

pub(crate) fn store(database: &Database) -> PostgresStore {
    PostgresStore::open(&options(database)).unwrap()
}

pub(crate) async fn postgres_database() -> PostgresDatabase {
    with_options(|_| ()).await
}

async fn with_options(change: impl FnOnce(&mut PostgresOptions)) -> PostgresDatabase {
    let database = Database::create().await;
    let mut options = options(&database);
    change(&mut options);
    let store = PostgresStore::open(&options).unwrap();
    store.migrate().await.unwrap();
    PostgresDatabase { store: Arc::new(store), database }
}

async fn count(client: &Client, rows: &str) -> i64 {
    client.query_one(&format!("SELECT count(*) FROM {rows}"), &[]).await.unwrap().get(0)
}

#[async_trait]
impl Backend for PostgresDatabase {
    type Store = PostgresStore;

    fn store(&self) -> Arc<PostgresStore> {
        self.store.clone()
    }

    async fn rows(&self) -> BTreeMap<String, i64> {
        let client = self.database.client().await;
        let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%'";
        let mut rows = BTreeMap::new();
        for table in client.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            rows.insert(table.clone(), count(&client, &table).await);
        }
        rows
    }

    async fn dump(&self) -> BTreeMap<String, Vec<String>> {
        let client = self.database.client().await;
        let mut dump = BTreeMap::new();
        for table in self.rows().await.into_keys() {
            let rows = client.query(&format!("SELECT t::text FROM {table} t"), &[]).await.unwrap();
            dump.insert(table, rows.iter().map(|row| row.get(0)).collect());
        }
        dump
    }

    async fn sealed_tokens(&self) -> i64 {
        count(&self.database.client().await, "mails WHERE token IS NOT NULL").await
    }

    async fn set_status(&self, account: AccountId, status: AccountStatus) {
        let update = format!("UPDATE accounts SET status = '{status}' WHERE id = '{}'", account.uuid());
        assert_eq!(self.database.client().await.execute(&update, &[]).await.unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_to_change_or_remove_an_entry() {
    let backend = postgres_database().await;
    let world = World::new(backend).await_person().await;
    for sql in [
        "UPDATE audit_entries SET action = 'x'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "UPDATE audit_entries SET hash = hash",
    ] {
        let refused = world.batch_execute(sql).await.unwrap_err();
        assert!(refused.as_db_error().unwrap().message().starts_with("an audit entry is never"), "{sql}");
    }
}

/// A client on a database in which something is on a log.
trait WithAPerson {
    async fn await_person(self) -> Client;
}

impl WithAPerson for Arc<World<PostgresDatabase>> {
    async fn await_person(self) -> Client {
        self.person("olive").await;
        self.backend.database.client().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_migrate_at_once_migrate_once() {
    let database = Database::create().await;
    let runs: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let store = store(&database);
                async move { store.migrate().await.unwrap().applied.len() }
            })
        })
        .collect();
    let mut applied = Vec::new();
    for run in runs {
        applied.push(run.await.unwrap());
    }
    applied.sort_unstable();
    assert_eq!(applied[..3], [0, 0, 0]);
    assert!(applied[3] > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_look_at_once_all_see_that_there_are_no_tables() {
    let database = Database::create().await;
    let looks = [(); 8].map(|()| {
        let store = store(&database);
        tokio::spawn(async move { store.check_schema().await })
    });
    for look in looks {
        let seen = look.await.unwrap();
        assert!(matches!(seen, Err(MigrateError::Pending)), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_too_old_or_too_new_are_refused() {
    let database = Database::create().await;
    let store = store(&database);
    assert!(matches!(store.check_schema().await, Err(MigrateError::Pending)));
    store.migrate().await.unwrap();
    store.check_schema().await.unwrap();
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')";
    database.client().await.batch_execute(newer).await.unwrap();
    assert!(matches!(store.check_schema().await, Err(MigrateError::NewerSchema { .. })));
    assert!(matches!(store.migrate().await, Err(MigrateError::NewerSchema { unknown }) if unknown.len() == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_unavailable_at_once() {
    let options = PostgresOptions::new("postgres://nobody@127.0.0.1:1/nothing".into());
    let store = PostgresStore::open(&options).unwrap();
    let asked = std::time::Instant::now();
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(asked.elapsed() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_connections_are_replaced() {
    let PostgresDatabase { store, database } = postgres_database().await;
    for _ in 0..3 {
        store.ping().await.unwrap();
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        database.client().await.query(others, &[]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn runtimes_divide_the_connections_and_take_only_their_own_along() {
    let database = Database::create().await;
    let options = PostgresOptions { pool_size: 4, runtimes: 2, ..options(&database) };
    let store = PostgresStore::open(&options).unwrap();
    let pings = |store: PostgresStore| async move {
        let all = (0..20).map(|_| store.ping());
        futures_util::future::try_join_all(all).await.unwrap();
    };
    pings(store.clone()).await;
    assert_eq!(store.connections(), (2, 2));
    let other = std::thread::spawn({
        let store = store.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(pings(store.clone()));
            store.connections()
        }
    });
    assert_eq!(other.join().unwrap(), (4, 4));
    // The other runtime is gone, and what it drove with it.
    pings(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_ended() {
    let database = Database::create().await;
    let store =
        PostgresStore::open(&PostgresOptions { statement_timeout: Duration::from_millis(200), ..options(&database) });
    let store = store.unwrap();
    store.migrate().await.unwrap();
    let client = database.client().await;
    client.batch_execute("BEGIN; LOCK TABLE accounts").await.unwrap();
    let asked = std::time::Instant::now();
    let email = driftstack_domain::testing::people::email("ada@example.com");
    let answer = driftstack_domain::auth::SignInStore::seen_sign_in(&store, &email).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    assert!(asked.elapsed() < Duration::from_secs(3));
    client.batch_execute("COMMIT").await.unwrap();
    assert!(driftstack_domain::auth::SignInStore::seen_sign_in(&store, &email).await.unwrap().is_none());
}

/// A pool of four, and one account that is locked and that many want to change: twelve at once, so many times, each for so long.
#[rstest]
#[case::who_wait(1, Duration::from_mins(1))]
#[case::who_have_gone_away(10, Duration::from_millis(20))]
#[tokio::test(flavor = "multi_thread")]
async fn those_who_want_to_change_one_account_leave_connections_to_others(#[case] times: u32, #[case] stay: Duration) {
    let world = World::new(with_options(|options| options.pool_size = 4).await);
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let client = world.backend.database.client().await;
    let by = world.permit(&ada).await;
    let hold = format!("BEGIN; SELECT FROM accounts WHERE id = '{}' FOR UPDATE", ada.id.uuid());
    client.batch_execute(&hold).await.unwrap();
    let sessions = world.sessions();
    let waiting = async {
        let mut created = Vec::new();
        for _ in 0..times {
            let twelve = join_all((0..12).map(|_| sessions.create(&by, SessionOrder::default())));
            created.extend(timeout(stay, twelve).await.into_iter().flatten());
        }
        created
    };
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let bobs = timeout(Duration::from_secs(1), world.mint(&bob, &bob, "does not wait")).await;
        client.batch_execute("COMMIT").await.unwrap();
        bobs.unwrap()
    };
    let (created, _) = join(waiting, meanwhile).await;
    let refused = |done: &Result<Session, _>| matches!(done, Err(CreateSessionError::Full { .. }));
    assert!(created.iter().all(|done| done.is_ok() || refused(done)), "{created:?}");
}
