//! Who wants to change an account that others are changing waits here, not at the database.
//!
//! Whoever waits there for the lock has a connection, which somebody with another account could use, and is woken whenever the
//! account changes, only to wait for its next version. The lock decides all the same, among processes too: a lane says no more
//! than how many of a process ask for it at once.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use driftstack_domain::{change::StoreError, id::AccountId};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// Accounts that share one by chance wait for each other. So many are hardly ever busy at once.
const LANES: usize = 256;
/// One who changes the account, and one who waits for the lock already, so that it is never free for want of asking.
const ABREAST: usize = 2;
/// Whoever changes more accounts at once (as on leaving many teams) takes no place: with one in each of so many lanes they would
/// hold up everybody else.
const MOST: usize = 4;

pub(super) struct Lanes {
    places: [Semaphore; LANES],
    /// Of this process alone, so that nobody can know who shares a lane.
    hasher: RandomState,
    patience: Duration,
}

impl Lanes {
    /// Nobody waits for longer than `patience`, whatever they want.
    pub(super) fn new(patience: Duration) -> Self {
        Self { places: [const { Semaphore::const_new(ABREAST) }; LANES], hasher: RandomState::new(), patience }
    }

    /// A place in the lane of each account, given to who came first, until it is dropped.
    pub(super) async fn enter(
        &self,
        accounts: impl IntoIterator<Item = AccountId>,
    ) -> Result<Vec<SemaphorePermit<'_>>, StoreError> {
        // Ascending, so that of two who want the same lanes neither waits for what the other has.
        let lanes: BTreeSet<_> = accounts.into_iter().map(|account| self.lane_of(account)).collect();
        if lanes.len() > MOST {
            return Ok(Vec::new());
        }
        let places = timeout(self.patience, async {
            let mut places = Vec::with_capacity(lanes.len());
            for lane in lanes {
                places.push(self.places.get(lane)?.acquire().await.ok()?);
            }
            Some(places)
        });
        let busy = || StoreError::Unavailable("too many wait to change one account".to_owned());
        places.await.ok().flatten().ok_or_else(busy)
    }

    fn lane_of(&self, account: AccountId) -> usize {
        let [a, b, ..] = self.hasher.hash_one(account).to_le_bytes();
        usize::from(u16::from_le_bytes([a, b])) % LANES
    }
}

#[cfg(test)]
mod tests {
    use std::{iter::once, pin::pin};

    use futures_util::{FutureExt, future::join_all};
    use uuid::Uuid;

    use super::*;

    fn lanes() -> Lanes {
        Lanes::new(Duration::from_millis(50))
    }

    /// So many accounts that no two of them share a lane.
    fn apart(lanes: &Lanes, count: usize) -> Vec<AccountId> {
        let mut taken = BTreeSet::new();
        let accounts = (0..).map(|n| AccountId::new(Uuid::from_u128(n)));
        accounts.filter(|account| taken.insert(lanes.lane_of(*account))).take(count).collect()
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_and_others_do_not_notice() {
        let lanes = lanes();
        let [busy, other] = apart(&lanes, 2)[..] else { unreachable!() };
        let first = lanes.enter([busy]).await.unwrap();
        let _second = lanes.enter([busy]).await.unwrap();
        assert!(lanes.enter([busy]).now_or_never().is_none());
        lanes.enter([other]).now_or_never().unwrap().unwrap();
        let mut waiting = pin!(lanes.enter([other, busy]));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(first);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn one_who_wants_many_lanes_shuts_none() {
        let lanes = lanes();
        let [busy, others @ ..] = &apart(&lanes, MOST + 1)[..] else { unreachable!() };
        let _held = join_all([lanes.enter([*busy]), lanes.enter([*busy])]).await;
        let wide = lanes.enter(others.iter().copied().chain(once(*busy))).now_or_never().unwrap().unwrap();
        assert!(wide.is_empty());
        assert!(lanes.enter(others.iter().copied()).now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told() {
        let lanes = lanes();
        let [busy] = apart(&lanes, 1)[..] else { unreachable!() };
        let _held = join_all([lanes.enter([busy]), lanes.enter([busy])]).await;
        assert!(matches!(lanes.enter([busy]).await, Err(StoreError::Unavailable(_))));
    }

    #[tokio::test]
    async fn one_who_wants_a_lane_twice_takes_one_place() {
        let lanes = lanes();
        let [busy] = apart(&lanes, 1)[..] else { unreachable!() };
        let shares = |account: &AccountId| lanes.lane_of(*account) == lanes.lane_of(busy);
        let sharing = (0..).map(|n| AccountId::new(Uuid::from_u128(n))).filter(shares).take(3);
        assert_eq!(lanes.enter(sharing.chain(once(busy))).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn two_who_want_the_same_lanes_do_not_wait_for_each_other() {
        let lanes = lanes();
        let accounts = apart(&lanes, 2);
        let change = async |turned: bool| {
            let mut accounts = accounts.clone();
            if turned {
                accounts.reverse();
            }
            let places = lanes.enter(accounts).await;
            tokio::task::yield_now().await;
            places.map(drop)
        };
        for done in join_all((0..100).map(|n| change(n % 2 == 0))).await {
            done.unwrap();
        }
    }
}
