//! Bringing the tables up to date.

use diesel::{migration::MigrationSource, result::Error, sqlite::Sqlite, sqlite::SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::dialect::Conn;
use crate::migration::{MigrateError, MigrationReport, failed, refuse_unknown};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

impl From<Error> for MigrateError {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}

pub(super) async fn run(c: &mut Conn) -> Result<MigrationReport, MigrateError> {
    // Holding the file from the first look to the last change: of two processes that start together, the second one finds
    // everything done, and a migration that fails leaves nothing of the ones before it.
    c.spawn_blocking(|conn| Ok(conn.immediate_transaction(migrate))).await?
}

fn migrate(conn: &mut SqliteConnection) -> Result<MigrationReport, MigrateError> {
    let embedded = MigrationSource::<Sqlite>::migrations(&MIGRATIONS).map_err(failed)?;
    let known: Vec<String> = embedded.iter().map(|it| it.name().version().to_string()).collect();
    refuse_unknown(conn, &known)?;
    let applied = conn.run_pending_migrations(MIGRATIONS).map_err(failed)?;
    Ok(MigrationReport { applied: applied.iter().map(ToString::to_string).collect() })
}
