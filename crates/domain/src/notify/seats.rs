use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::id::AccountId;

/// So many streams an account may have open, in each process.
pub const MAX_STREAMS: u32 = 10;

/// There is no seat left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this account has {current} streams open, and may have {MAX_STREAMS}; close one first")]
pub struct TooMany {
    pub current: u32,
}

/// Who follows, by account.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<Mutex<HashMap<AccountId, u32>>>);

/// A place among those who follow an account. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    account: AccountId,
    seats: Seats,
}

impl Seats {
    pub(super) fn take(&self, account: AccountId) -> Result<Seat, TooMany> {
        let mut taken = self.lock();
        let current = taken.entry(account).or_default();
        if *current >= MAX_STREAMS {
            return Err(TooMany { current: *current });
        }
        *current += 1;
        Ok(Seat { account, seats: self.clone() })
    }

    pub(super) fn taken(&self) -> u32 {
        self.lock().values().sum()
    }

    /// A count is whole whatever panicked beside it.
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        if let Some(current) = taken.get_mut(&self.account) {
            *current = current.saturating_sub(1);
            if *current == 0 {
                taken.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::people::{ADA, OLIVE};

    #[test]
    fn the_eleventh_finds_no_seat_until_one_is_left() {
        let seats = Seats::default();
        let mut olives: Vec<_> = (0..MAX_STREAMS).map(|_| seats.take(OLIVE).unwrap()).collect();
        assert_eq!(seats.take(OLIVE).unwrap_err(), TooMany { current: MAX_STREAMS });
        let ada = seats.take(ADA).unwrap();
        assert_eq!(seats.taken(), MAX_STREAMS + 1);
        olives.pop();
        let _again = seats.take(OLIVE).unwrap();
        drop((olives, ada));
        assert_eq!(seats.taken(), 1);
        assert_eq!(seats.lock().len(), 1, "nothing is kept of who has left");
    }
}
