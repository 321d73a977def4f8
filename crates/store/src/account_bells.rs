//! A bell for each account whose log somebody follows.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use driftstack_domain::{id::AccountId, notify::Ear};
use tokio::sync::watch;

#[derive(Debug, Clone, Default)]
pub(crate) struct AccountBells(Arc<Mutex<HashMap<AccountId, watch::Sender<()>>>>);

impl AccountBells {
    pub(crate) fn ring(&self, account: AccountId) {
        if let Some(bell) = self.lock().get(&account) {
            bell.send_replace(());
        }
    }

    /// For when nobody knows who should have been rung.
    #[cfg(feature = "postgres")]
    pub(crate) fn ring_all(&self) {
        for bell in self.lock().values() {
            bell.send_replace(());
        }
    }

    pub(crate) fn listen(&self, account: AccountId) -> Box<dyn Ear> {
        let mut bells = self.lock();
        let rung = bells.entry(account).or_insert_with(|| watch::Sender::new(())).subscribe();
        Box::new(Listener { account, rung, bells: self.clone() })
    }

    /// The map is whole whatever panicked beside it.
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Listener {
    account: AccountId,
    rung: watch::Receiver<()>,
    bells: AccountBells,
}

#[async_trait]
impl Ear for Listener {
    async fn heard(&mut self) {
        // The sender is in the map for as long as this listens.
        let _ = self.rung.changed().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut bells = self.bells.lock();
        if bells.get(&self.account).is_some_and(|bell| bell.receiver_count() <= 1) {
            bells.remove(&self.account);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use uuid::Uuid;

    #[test]
    fn a_ring_is_heard_once_by_each_who_listens_to_that_account() {
        let (olive, ada) = (AccountId::new(Uuid::from_u128(1)), AccountId::new(Uuid::from_u128(2)));
        let bells = AccountBells::default();
        bells.ring(olive);
        let (mut one, mut two, mut other) = (bells.listen(olive), bells.listen(olive), bells.listen(ada));
        assert!(one.heard().now_or_never().is_none(), "before it listened");
        bells.ring(olive);
        bells.ring(olive);
        assert!(one.heard().now_or_never().is_some() && two.heard().now_or_never().is_some());
        assert!(one.heard().now_or_never().is_none() && other.heard().now_or_never().is_none());
        drop((one, other));
        bells.ring(olive);
        assert!(two.heard().now_or_never().is_some());
        drop(two);
        assert!(bells.lock().is_empty(), "nothing is kept of who has left");
    }
}
