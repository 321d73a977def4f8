//! What the engines have in common where tables are brought up to date.

use diesel::backend::Backend;
use diesel_migrations::MigrationHarness;
use driftstack_domain::change::StoreError;

/// What a migration run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The versions that were applied, in their order; none when the tables were up to date.
    pub applied: Vec<String>,
}

/// Why the tables are not what this binary needs.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// An older binary would write rows that the newer one does not expect.
    #[error(
        "the database was migrated by a newer version of driftstack (this one does not know: {}); start that version, or restore a backup from before",
        .unknown.join(", ")
    )]
    NewerSchema { unknown: Vec<String> },
    #[error("the database is older than this version of driftstack; run `driftstack migrate` first")]
    Pending,
    #[error("a migration failed: {0}")]
    Failed(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
pub(crate) fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> MigrateError {
    MigrateError::Failed(error.to_string())
}

/// Refuses a database that has seen migrations which are not among the `known` ones.
pub(crate) fn refuse_unknown<DB: Backend>(
    harness: &mut impl MigrationHarness<DB>,
    known: &[String],
) -> Result<(), MigrateError> {
    let mut unknown: Vec<String> =
        harness.applied_migrations().map_err(failed)?.iter().map(ToString::to_string).collect();
    unknown.retain(|version| !known.contains(version));
    unknown.sort_unstable();
    if unknown.is_empty() { Ok(()) } else { Err(MigrateError::NewerSchema { unknown }) }
}
