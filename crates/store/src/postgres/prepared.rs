//! A statement that is run again is not prepared again.

use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use driftstack_domain::{
    account::AccountStatus,
    usage::{Day, DayMinutes},
};
use driftstack_test_servers::Database;

use super::{PostgresOptions, PostgresStore, connect::Connector, dialect, queries::usage};
use crate::{
    cached::update,
    hot_reads::{account, now},
    schema::accounts,
    types::b,
};

diesel::table! {
    pg_prepared_statements (name) {
        name -> Text,
        statement -> Text,
    }
}

const ACCOUNT: &str = "INSERT INTO accounts (id, email, tier, status, staff, password_hash, created_at, updated_at)
    VALUES ('00000000-0000-0000-0000-000000000001', 'ada@example.com', 'free', 'active', false, '', now(), now())";

#[tokio::test(flavor = "multi_thread")]
async fn what_diesel_would_prepare_anew_is_prepared_once() {
    let database = Database::create().await;
    let options = PostgresOptions::new(database.url.as_str().into());
    PostgresStore::open(&options).unwrap().migrate().await.unwrap();
    let mut c = Connector::new(&options).unwrap().connect().await.unwrap();
    c.batch_execute(ACCOUNT).await.unwrap();
    let day = Day::of(now());
    for status in [AccountStatus::Suspended, AccountStatus::Active] {
        let there = accounts::table.find(b(&account()));
        update(there).set(accounts::status.eq(b(&status))).execute(&mut c).await.unwrap();
        usage::add(&mut c, account(), &[DayMinutes { day, minutes: 1 }]).await.unwrap();
        usage::seen_usage(&mut c, account(), day..=day).await.unwrap();
        dialect::announce(&mut c, account()).await.unwrap();
    }
    let prepared: Vec<String> =
        pg_prepared_statements::table.select(pg_prepared_statements::statement).load(&mut c).await.unwrap();
    for text in ["UPDATE \"accounts\"", "DO UPDATE", "UNION ALL", "pg_notify"] {
        assert_eq!(prepared.iter().filter(|it| it.contains(text)).count(), 1, "{text}: {prepared:?}");
    }
}
