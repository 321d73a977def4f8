//! The two engines have the same tables: equal stamps of migrations, and in the end equal tables, columns and indexes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

use driftstack_test_servers::Database;

use crate::{backend::sqlite_file, postgres::store};

type Columns = BTreeMap<String, BTreeSet<String>>;

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = Text)]
    relation: String,
    #[diesel(sql_type = Text)]
    part: String,
}

fn stamps(engine: &str) -> BTreeSet<String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).join(engine);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.collect()
}

fn collect(pairs: impl IntoIterator<Item = (String, String)>) -> Columns {
    let mut columns = Columns::new();
    for (relation, part) in pairs {
        columns.entry(relation).or_default().insert(part);
    }
    columns
}

async fn of_sqlite(sql: &str) -> Columns {
    let file = sqlite_file().await;
    let pairs: Vec<Pair> = sql_query(sql).load(&mut file.connect()).unwrap();
    collect(pairs.into_iter().map(|pair| (pair.relation, pair.part)))
}

async fn of_postgres(sql: &str) -> Columns {
    let database = Database::create().await;
    store(&database).migrate().await.unwrap();
    let rows = database.client().await.query(sql, &[]).await.unwrap();
    collect(rows.iter().map(|row| (row.get(0), row.get(1))))
}

#[test]
fn the_stamps_of_migrations_are_equal() {
    assert_eq!(stamps("sqlite"), stamps("postgres"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_columns_are_equal() {
    let sqlite = "SELECT m.name AS relation, c.name AS part FROM sqlite_schema m, pragma_table_info(m.name) c
                  WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\'";
    let postgres = "SELECT table_name::text, column_name::text FROM information_schema.columns
                    WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'";
    assert_eq!(of_sqlite(sqlite).await, of_postgres(postgres).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_are_equal() {
    let sqlite = "SELECT tbl_name AS relation, name AS part FROM sqlite_schema
                  WHERE type = 'index' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let postgres = "SELECT tablename::text, indexname::text FROM pg_indexes
                    WHERE schemaname = 'public' AND indexname NOT LIKE '%\\_pkey'";
    assert_eq!(of_sqlite(sqlite).await, of_postgres(postgres).await);
}
