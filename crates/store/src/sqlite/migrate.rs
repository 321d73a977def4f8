//! Bringing the tables up to date.

use std::collections::HashSet;

use diesel::{migration::MigrationSource, result::Error, sqlite::Sqlite, sqlite::SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use driftstack_domain::change::StoreError;

use super::dialect::Conn;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// What a migration run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The versions that were applied, in their order; none when the tables were up to date.
    pub applied: Vec<String>,
}

/// Why the tables were not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// An older binary would write rows that the newer one does not expect.
    #[error(
        "the database was migrated by a newer version of driftstack (this one does not know: {}); start that version, or restore a backup from before",
        .unknown.join(", ")
    )]
    NewerSchema { unknown: Vec<String> },
    #[error("a migration failed: {0}")]
    Failed(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(error.to_string());
    let embedded = MigrationSource::<Sqlite>::migrations(&MIGRATIONS).map_err(failed)?;
    let known: HashSet<String> = embedded.iter().map(|it| it.name().version().to_string()).collect();
    let mut unknown: Vec<String> = conn.applied_migrations().map_err(failed)?.iter().map(ToString::to_string).collect();
    unknown.retain(|version| !known.contains(version));
    if !unknown.is_empty() {
        unknown.sort_unstable();
        return Err(MigrateError::NewerSchema { unknown });
    }
    let applied = conn.run_pending_migrations(MIGRATIONS).map_err(failed)?;
    Ok(MigrationReport { applied: applied.iter().map(ToString::to_string).collect() })
}
