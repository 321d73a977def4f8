//! Accounts and teams that were there before numbers were.

use std::collections::HashSet;

use diesel::connection::SimpleConnection;
use driftstack_domain::{id::AccountId, organisation::OrganisationStore};
use driftstack_store_contract::{Backend, World};

use crate::{
    backend::sqlite_file,
    postgres::{postgres_database, store},
};

const STAMP: &str = "DELETE FROM __diesel_schema_migrations WHERE version = '20261126000400'";
const ON_SQLITE: &str = include_str!("../../../../migrations/sqlite/2026-11-26-000400_organisations/down.sql");
const ON_POSTGRES: &str = include_str!("../../../../migrations/postgres/2026-11-26-000400_organisations/down.sql");

async fn three_people<B: Backend>(world: &World<B>) -> Vec<AccountId> {
    let mut people = Vec::new();
    for name in ["olive", "ada", "bo"] {
        people.push(world.person(name).await.id);
    }
    people
}

async fn assert_numbered(store: &impl OrganisationStore, people: &[AccountId]) {
    let (mut members, mut organisations) = (HashSet::new(), HashSet::new());
    for id in people {
        let seen = store.seen_member(*id, *id).await.unwrap().expect("a number");
        members.insert(seen.number.0);
        organisations.insert(seen.organisation.get());
    }
    let all = HashSet::from([1, 2, 3]);
    assert_eq!((members, organisations), (all.clone(), all));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migration_numbers_them_on_sqlite() {
    let world = World::new(sqlite_file().await);
    let people = three_people(&world).await;
    world.backend.connect().batch_execute(&format!("{ON_SQLITE}; {STAMP}")).unwrap();
    assert_eq!(world.backend.store().migrate().await.unwrap().applied.len(), 1);
    assert_numbered(world.backend.store().as_ref(), &people).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migration_numbers_them_on_postgres() {
    let world = World::new(postgres_database().await);
    let people = three_people(&world).await;
    let database = &world.backend.database;
    database.client().await.batch_execute(&format!("{ON_POSTGRES}; {STAMP}")).await.unwrap();
    let again = store(database);
    assert_eq!(again.migrate().await.unwrap().applied.len(), 1);
    assert_numbered(&again, &people).await;
}
