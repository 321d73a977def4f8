use diesel::result::Error;
use driftstack_domain::change::{CommitError, StoreError, Unique};

use super::dialect;
use crate::types::Corrupt;

/// Why a query or a commit came to nothing.
#[derive(Debug)]
pub(crate) enum Fault {
    Stale,
    Taken(Unique),
    Full { held: u32 },
    Store(StoreError),
}

impl Fault {
    /// An `UPDATE` that carries its expected state in its `WHERE` has found it, in every row that it is about.
    pub(super) fn unless_all(changed: usize, expected: usize) -> Result<(), Self> {
        if changed == expected { Ok(()) } else { Err(Self::Stale) }
    }

    pub(super) fn unless_one(changed: usize) -> Result<(), Self> {
        Self::unless_all(changed, 1)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match dialect::violated(&error) {
            Some("accounts_email_key") => return Self::Taken(Unique::Email),
            Some("accounts_slug_key") => return Self::Taken(Unique::Slug),
            Some("profiles_name_key") => return Self::Taken(Unique::ProfileName),
            // Somebody else made the membership or the invite, or got the user code, first.
            Some(_) => return Self::Stale,
            None => {}
        }
        if dialect::is_passing(&error) {
            return Self::Store(StoreError::Unavailable(error.to_string()));
        }
        Self::Store(match error {
            Error::DeserializationError(error) => match error.downcast::<Corrupt>() {
                Ok(cell) => StoreError::Corrupt { table: cell.table, column: cell.column, problem: cell.problem },
                Err(error) => StoreError::Failed(error.to_string()),
            },
            error => StoreError::Failed(error.to_string()),
        })
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for CommitError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Stale => Self::Stale,
            Fault::Taken(unique) => Self::Taken(unique),
            Fault::Full { held } => Self::Full { held },
            Fault::Store(error) => Self::Store(error),
        }
    }
}

impl From<Fault> for StoreError {
    /// For what decides nothing and guards nothing.
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error,
            Fault::Stale | Fault::Taken(_) | Fault::Full { .. } => {
                Self::Failed(format!("{fault:?} where nothing was guarded"))
            }
        }
    }
}
