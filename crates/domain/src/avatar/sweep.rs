//! Taking away the pictures that nobody points at.

use std::{sync::Arc, time::Duration};

use super::port::{AvatarStore, BlobStore};
use crate::{
    change::StoreError,
    time::{Clock, HOUR},
};

/// For so long nobody else takes what somebody is sweeping. It is also the pause after a blob store that would not.
const LEASE: Duration = HOUR;
/// Pictures in one claim: few enough that a process which is asked to stop is through in time, if each takes the ten seconds that
/// a blob store may.
const BATCH: u16 = 4;

/// Sweeps.
pub struct Sweeper {
    store: Arc<dyn AvatarStore>,
    blobs: Arc<dyn BlobStore>,
    clock: Arc<dyn Clock>,
}

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepRound {
    pub removed: u32,
    pub failed: u32,
}

impl Sweeper {
    pub fn new(store: Arc<dyn AvatarStore>, blobs: Arc<dyn BlobStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, blobs, clock }
    }

    /// Claims what is due, removes it, and only then forgets it. A round that did nothing means that nothing is due.
    pub async fn round(&self) -> Result<SweepRound, StoreError> {
        let now = self.clock.now();
        let mut round = SweepRound::default();
        for key in self.store.claim_unworn(now, now.plus(LEASE), BATCH).await? {
            match self.blobs.remove(key).await {
                Ok(()) => {
                    self.store.forget_picture(key).await?;
                    round.removed += 1;
                }
                Err(_) => round.failed += 1,
            }
        }
        Ok(round)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        avatar::{BlobError, MockAvatarStore, MockBlobStore},
        testing::{FixedClock, people},
    };

    async fn round(store: MockAvatarStore, removal: Result<(), BlobError>) -> SweepRound {
        let mut blobs = MockBlobStore::new();
        blobs.expect_remove().times(1).returning(move |_| removal.clone());
        Sweeper::new(Arc::new(store), Arc::new(blobs), Arc::new(FixedClock(people::NOW))).round().await.unwrap()
    }

    fn claiming() -> MockAvatarStore {
        let mut store = MockAvatarStore::new();
        let leased = |now: &_, until: &_, _: &_| (*now, *until) == (people::NOW, people::NOW.plus(LEASE));
        store.expect_claim_unworn().withf(leased).returning(|_, _, _| Ok(vec![people::avatar()]));
        store
    }

    #[tokio::test]
    async fn what_was_removed_is_forgotten() {
        let mut store = claiming();
        store.expect_forget_picture().times(1).withf(|key| *key == people::avatar()).returning(|_| Ok(()));
        assert_eq!(round(store, Ok(())).await, SweepRound { removed: 1, failed: 0 });
    }

    #[tokio::test]
    async fn what_could_not_be_removed_is_remembered() {
        let away = Err(BlobError("away".to_owned()));
        assert_eq!(round(claiming(), away).await, SweepRound { removed: 0, failed: 1 });
    }
}
