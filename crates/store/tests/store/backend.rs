//! A store in a temporary folder, and a connection behind its back.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use diesel::{
    Connection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Binary, Text},
    sqlite::SqliteConnection,
};
use driftstack_domain::{account::AccountStatus, id::AccountId};
use driftstack_store::SqliteStore;
use driftstack_store_contract::{Backend, World};
use tempfile::TempDir;

pub(crate) struct SqliteFile {
    store: Arc<SqliteStore>,
    folder: TempDir,
}

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

pub(crate) async fn sqlite_file() -> SqliteFile {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("driftstack.db")).await.unwrap();
    store.migrate().await.unwrap();
    SqliteFile { store: Arc::new(store), folder }
}

pub(crate) async fn world() -> Arc<World<SqliteFile>> {
    World::new(sqlite_file().await)
}

impl SqliteFile {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("driftstack.db")
    }

    /// As whoever has the file would open it.
    pub(crate) fn connect(&self) -> SqliteConnection {
        let mut conn = SqliteConnection::establish(self.path().to_str().unwrap()).unwrap();
        sql_query("PRAGMA busy_timeout = 5000").execute(&mut conn).unwrap();
        conn
    }

    pub(crate) fn run(&self, sql: &str) -> QueryResult<usize> {
        sql_query(sql).execute(&mut self.connect())
    }

    fn count(&self, rows: &str) -> i64 {
        sql_query(format!("SELECT count(*) AS rows FROM {rows}")).get_result::<Count>(&mut self.connect()).unwrap().rows
    }
}

#[async_trait]
impl Backend for SqliteFile {
    type Store = SqliteStore;

    fn store(&self) -> Arc<SqliteStore> {
        self.store.clone()
    }

    async fn rows(&self) -> BTreeMap<String, i64> {
        let tables =
            sql_query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'");
        let tables: Vec<Table> = tables.load(&mut self.connect()).unwrap();
        tables.into_iter().map(|table| (table.name.clone(), self.count(&table.name))).collect()
    }

    async fn dump(&self) -> BTreeMap<String, Vec<String>> {
        let mut conn = self.connect();
        let mut dump = BTreeMap::new();
        for table in self.rows().await.into_keys() {
            let columns = sql_query(format!("SELECT name FROM pragma_table_info('{table}')"));
            let columns: Vec<Table> = columns.load(&mut conn).unwrap();
            let quoted: Vec<String> = columns.iter().map(|column| format!("quote({})", column.name)).collect();
            let rows = sql_query(format!("SELECT {} AS name FROM {table}", quoted.join(" || ' ' || ")));
            let rows: Vec<Table> = rows.load(&mut conn).unwrap();
            dump.insert(table, rows.into_iter().map(|row| row.name).collect());
        }
        dump
    }

    async fn sealed_tokens(&self) -> i64 {
        self.count("mails WHERE token IS NOT NULL")
    }

    async fn set_status(&self, account: AccountId, status: AccountStatus) {
        let update = sql_query("UPDATE accounts SET status = ? WHERE id = ?")
            .bind::<Text, _>(status.as_str())
            .bind::<Binary, _>(account.uuid().as_bytes().to_vec());
        assert_eq!(update.execute(&mut self.connect()), Ok(1));
    }
}
