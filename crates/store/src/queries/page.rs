//! Pages by position: the row that a page starts behind is a bound value that is always there, so that the first page and
//! the later ones are one statement.

use driftstack_domain::page::PageRequest;
use uuid::Uuid;

use crate::types::Key;

/// Rows below this id. No id of version 7 is the last of all UUIDs.
pub(super) fn below_id(page: &PageRequest) -> Key {
    Key(page.after.map_or(Uuid::max(), |after| Uuid::from_u128(after.0)))
}

/// Rows below this number.
pub(super) fn below_number(page: &PageRequest) -> i64 {
    page.after.map_or(i64::MAX, |after| i64::try_from(after.0).unwrap_or(i64::MAX))
}

pub(super) fn rows_to_fetch(page: &PageRequest) -> i64 {
    i64::try_from(page.rows_to_fetch()).unwrap_or(i64::MAX)
}
