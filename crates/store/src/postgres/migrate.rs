//! Bringing the tables up to date.

use diesel::{migration::MigrationSource, pg::Pg};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use driftstack_domain::change::StoreError;

use super::connect::Connector;
use crate::migration::{self, MigrateError, MigrationReport};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

type Harness = AsyncMigrationHarness<AsyncPgConnection>;

/// Any number that nobody else locks in this database.
const LOCK: i64 = 0x6472_6966_7473;

pub(super) async fn run(connector: &Connector) -> Result<MigrationReport, MigrateError> {
    let conn = connect_alone(connector).await?;
    blocking(conn, |harness| {
        migration::refuse_unknown(harness, &embedded()?)?;
        let applied = harness.run_pending_migrations(MIGRATIONS).map_err(migration::failed)?;
        Ok(MigrationReport { applied: applied.iter().map(ToString::to_string).collect() })
    })
}

pub(super) async fn check(connector: &Connector) -> Result<(), MigrateError> {
    let conn = connect_alone(connector).await?;
    blocking(conn, |harness| {
        migration::refuse_unknown(harness, &embedded()?)?;
        let pending = harness.has_pending_migration(MIGRATIONS).map_err(migration::failed)?;
        if pending { Err(MigrateError::Pending) } else { Ok(()) }
    })
}

/// The harness waits for the database on this thread. The runtime moves its other work elsewhere meanwhile.
fn blocking<T>(
    conn: AsyncPgConnection,
    work: impl FnOnce(&mut Harness) -> Result<T, MigrateError>,
) -> Result<T, MigrateError> {
    tokio::task::block_in_place(|| work(&mut AsyncMigrationHarness::new(conn)))
}

fn embedded() -> Result<Vec<String>, MigrateError> {
    let embedded = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(migration::failed)?;
    Ok(embedded.iter().map(|it| it.name().version().to_string()).collect())
}

/// One connection at a time, of all processes: the harness makes a table of its own even where it only looks, and two that make
/// it at once fail. The lock lives as long as the connection, so a process that dies in the middle does not keep it.
///
/// A change of the tables may take as long as it takes, and so may waiting for one.
async fn connect_alone(connector: &Connector) -> Result<AsyncPgConnection, MigrateError> {
    let unavailable = |error: &dyn std::fmt::Display| MigrateError::Store(StoreError::Unavailable(error.to_string()));
    let mut conn = connector.connect().await.map_err(|error| unavailable(&error))?;
    let alone = format!("SET statement_timeout = 0; SELECT pg_advisory_lock({LOCK})");
    conn.batch_execute(&alone).await.map_err(|error| unavailable(&error))?;
    Ok(conn)
}
