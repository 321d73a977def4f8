//! Pages of a list, newest first.

/// How many rows a page holds: 1 to 100, 50 unless told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number from 1 to {}", Limit::MAX)]
pub struct LimitError;

impl Limit {
    pub const MAX: u16 = 100;

    pub fn new(rows: u16) -> Result<Self, LimitError> {
        if (1..=Self::MAX).contains(&rows) { Ok(Self(rows)) } else { Err(LimitError) }
    }

    pub fn rows(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

/// Where a page starts: behind the row that has this position.
///
/// A position is what the list is ordered by (an id's bits, an entry's sequence number). Rows that come or go between two
/// pages move no other row across it, so a walk neither skips nor repeats one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position(pub u128);

/// Which page is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageRequest {
    pub limit: Limit,
    pub after: Option<Position>,
}

/// A page, and where the next one starts, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub next: Option<Position>,
}

impl<T> Page<T> {
    #[must_use]
    pub fn map<U>(self, to: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(to).collect(), next: self.next }
    }
}

impl PageRequest {
    /// One row more than the page holds: the look ahead that tells whether there is a next page.
    pub fn rows_to_fetch(&self) -> usize {
        self.limit.rows() + 1
    }

    /// Makes the page from the rows that [`Self::rows_to_fetch`] asked for.
    pub fn page<T>(&self, mut rows: Vec<T>, position: impl Fn(&T) -> Position) -> Page<T> {
        let more = rows.len() > self.limit.rows();
        rows.truncate(self.limit.rows());
        let next = rows.last().filter(|_| more).map(position);
        Page { rows, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_1_to_100() {
        assert!(Limit::new(0).is_err());
        assert_eq!(Limit::new(1).map(Limit::rows), Ok(1));
        assert_eq!(Limit::new(100).map(Limit::rows), Ok(100));
        assert!(Limit::new(101).is_err());
    }

    #[test]
    fn the_next_page_starts_behind_the_last_row_shown() {
        let request = PageRequest { limit: Limit::new(2).unwrap(), after: None };
        let page = request.page(vec![9_u8, 7, 5], |row| Position(u128::from(*row)));
        assert_eq!(page, Page { rows: vec![9, 7], next: Some(Position(7)) });
    }

    #[test]
    fn a_full_last_page_has_no_next() {
        let request = PageRequest { limit: Limit::new(2).unwrap(), after: None };
        assert_eq!(request.page(vec![3_u8, 1], |row| Position(u128::from(*row))).next, None);
    }
}
