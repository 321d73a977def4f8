//! A statement that is run again is not prepared again.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use driftstack_domain::account::AccountStatus;
use driftstack_test_servers::Database;

use super::{PostgresOptions, PostgresStore, connect::Connector, dialect};
use crate::{cached::update, hot_reads::account, schema::accounts, types::b};

diesel::table! {
    pg_prepared_statements (name) {
        name -> Text,
        statement -> Text,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_prepared_once() {
    let database = Database::create().await;
    let options = PostgresOptions::new(database.url.as_str().into());
    PostgresStore::open(&options).unwrap().migrate().await.unwrap();
    let mut c = Connector::new(&options).unwrap().connect().await.unwrap();
    for status in [AccountStatus::Active, AccountStatus::Suspended] {
        let there = accounts::table.find(b(&account()));
        update(there).set(accounts::status.eq(b(&status))).execute(&mut c).await.unwrap();
        dialect::announce(&mut c, account()).await.unwrap();
    }
    let prepared: Vec<String> =
        pg_prepared_statements::table.select(pg_prepared_statements::statement).load(&mut c).await.unwrap();
    for text in ["UPDATE", "pg_notify"] {
        assert_eq!(prepared.iter().filter(|it| it.contains(text)).count(), 1, "{text}: {prepared:?}");
    }
}
