use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use driftstack_domain::limit::{LimitKey, Limiter, Quota, Verdict};
use governor::{
    RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::{StateInformationMiddleware, StateSnapshot},
    state::keyed::DefaultKeyedStateStore,
};

use crate::quota;

/// Sweeping is not worth its while for fewer keys than these.
const FEW_KEYS: usize = 1024;

/// Counts in the memory of this process, with governor.
///
/// Governor holds one quota for all keys of a limiter, so there is one of its limiters for each distinct quota. A key whose
/// quota changes therefore begins with a full bucket.
///
/// A bucket that is full again is the same as one that was never used, and a sweep forgets it an interval later. The limiter
/// sweeps after as many charges as it last had keys, so it never holds more than twice the keys that matter.
///
/// [`Verdict::full_after`] is counted in whole tokens when the charge was allowed: up to one
/// [`Quota::replenish_interval`] more than the truth, never less.
pub struct MemoryLimiter<C: Clock = DefaultClock> {
    clock: C,
    by_quota: RwLock<HashMap<Quota, Arc<Keyed<C>>>>,
    charges_until_sweep: AtomicUsize,
}

type Keyed<C> = RateLimiter<LimitKey, DefaultKeyedStateStore<LimitKey>, C, StateInformationMiddleware>;

impl MemoryLimiter {
    pub fn new() -> Self {
        Self::with_clock(DefaultClock::default())
    }
}

impl Default for MemoryLimiter {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Clock + Clone> MemoryLimiter<C> {
    /// With another clock, such as governor's `FakeRelativeClock`. All clones of it must tell the same time.
    pub fn with_clock(clock: C) -> Self {
        Self { clock, by_quota: RwLock::default(), charges_until_sweep: AtomicUsize::new(FEW_KEYS) }
    }

    /// Forgets the keys whose bucket has been full for an interval, and the quotas that no key is left of.
    fn sweep(&self) {
        for keyed in self.all() {
            keyed.retain_recent();
            keyed.shrink_to_fit();
        }
        let mut by_quota = self.by_quota.write().unwrap_or_else(PoisonError::into_inner);
        // Who is about to charge holds a reference of its own, and nobody can take one while the map is locked.
        by_quota.retain(|_, keyed| Arc::get_mut(keyed).is_none_or(|alone| !alone.is_empty()));
        drop(by_quota);
        self.charges_until_sweep.store(self.keys().max(FEW_KEYS), Ordering::Relaxed);
    }

    /// How many buckets are held.
    fn keys(&self) -> usize {
        self.all().iter().map(|keyed| keyed.len()).sum()
    }

    fn all(&self) -> Vec<Arc<Keyed<C>>> {
        self.by_quota.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn of(&self, quota: Quota) -> Arc<Keyed<C>> {
        let known = self.by_quota.read().unwrap_or_else(PoisonError::into_inner).get(&quota).cloned();
        known.unwrap_or_else(|| {
            let mut by_quota = self.by_quota.write().unwrap_or_else(PoisonError::into_inner);
            by_quota.entry(quota).or_insert_with(|| Arc::new(self.keyed(quota))).clone()
        })
    }

    fn keyed(&self, quota: Quota) -> Keyed<C> {
        Keyed::new(quota::for_governor(quota), DefaultKeyedStateStore::default(), self.clock.clone())
    }

    fn verdict(&self, key: LimitKey, quota: Quota) -> Verdict {
        // Read before governor reads it, so that a refused caller is never told to wait too short.
        let now = self.clock.now();
        match self.of(quota).check_key(&key) {
            Ok(state) => allowed(quota, &state),
            Err(not_until) => refused(quota, not_until.wait_time_from(now)),
        }
    }

    fn sweep_when_due(&self) {
        // Only one caller sees the last charge; those who come while it sweeps count on below zero, which wraps.
        if self.charges_until_sweep.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.sweep();
        }
    }
}

/// Governor tells the whole tokens that are left, and nothing finer.
fn allowed(quota: Quota, state: &StateSnapshot) -> Verdict {
    let remaining = state.remaining_burst_capacity();
    let missing = quota.capacity().saturating_sub(remaining);
    Verdict { allowed: true, remaining, full_after: quota::interval(quota) * missing, retry_after: Duration::ZERO }
}

/// When the next token is there, all others are still missing.
fn refused(quota: Quota, retry_after: Duration) -> Verdict {
    let others = quota::interval(quota) * (quota.capacity() - 1);
    Verdict { allowed: false, remaining: 0, full_after: retry_after + others, retry_after }
}

#[async_trait]
impl<C> Limiter for MemoryLimiter<C>
where
    C: Clock + Clone + Send + Sync,
{
    async fn charge(&self, key: LimitKey, quota: Quota) -> Verdict {
        let verdict = self.verdict(key, quota);
        self.sweep_when_due();
        verdict
    }
}

impl<C: Clock> fmt::Debug for MemoryLimiter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryLimiter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contract::Backend, limiter_contract};
    use driftstack_domain::secret::Digest;
    use governor::clock::FakeRelativeClock;

    struct Memory {
        clock: FakeRelativeClock,
        limiter: Arc<MemoryLimiter<FakeRelativeClock>>,
    }

    impl Backend for Memory {
        async fn start() -> Self {
            let clock = FakeRelativeClock::default();
            Self { limiter: Arc::new(MemoryLimiter::with_clock(clock.clone())), clock }
        }

        fn limiter(&self) -> Arc<dyn Limiter> {
            self.limiter.clone()
        }

        async fn pass(&self, time: Duration) {
            self.clock.advance(time);
        }
    }

    limiter_contract!(Memory);

    const MINUTE: Duration = Duration::from_mins(1);
    const QUOTA: Quota = Quota::new(2, 1, MINUTE);

    fn key(n: usize) -> LimitKey {
        LimitKey::Anonymous(Digest::of(&n.to_string()))
    }

    #[tokio::test]
    async fn a_sweep_forgets_full_buckets_and_keeps_the_others() {
        let Memory { clock, limiter } = Memory::start().await;
        limiter.charge(key(1), QUOTA).await;
        clock.advance(MINUTE);
        limiter.charge(key(2), QUOTA).await;
        limiter.charge(key(2), QUOTA).await;
        clock.advance(MINUTE);
        limiter.sweep();
        assert_eq!(limiter.keys(), 1);
        assert_eq!(limiter.charge(key(2), QUOTA).await.remaining, 0);
        assert_eq!(limiter.charge(key(1), QUOTA).await.remaining, 1);
    }

    #[tokio::test]
    async fn a_sweep_forgets_quotas_without_keys() {
        let Memory { clock, limiter } = Memory::start().await;
        let hourly = Quota::new(1, 1, Duration::from_hours(1));
        limiter.charge(key(1), QUOTA).await;
        limiter.charge(key(1), hourly).await;
        clock.advance(2 * MINUTE);
        limiter.sweep();
        assert_eq!(limiter.by_quota.read().unwrap().keys().copied().collect::<Vec<_>>(), [hourly]);
    }

    #[tokio::test]
    async fn a_quota_that_is_in_use_is_not_forgotten() {
        let Memory { limiter, .. } = Memory::start().await;
        let in_use = limiter.of(QUOTA);
        limiter.sweep();
        assert!(Arc::ptr_eq(&in_use, &limiter.of(QUOTA)));
    }

    #[tokio::test]
    async fn keys_that_come_once_do_not_pile_up() {
        let Memory { clock, limiter } = Memory::start().await;
        let mut most = 0;
        for n in 0..20 * FEW_KEYS {
            limiter.charge(key(n), QUOTA).await;
            // So fast that 1200 keys matter at any time.
            clock.advance(Duration::from_millis(100));
            most = most.max(limiter.keys());
        }
        assert!(most <= 2 * 1200, "{most} keys were held");
    }

    #[tokio::test]
    async fn the_clock_of_the_machine_is_the_default() {
        let limiter = MemoryLimiter::new();
        let quick = Quota::new(1, 1, Duration::from_millis(20));
        assert!(limiter.charge(key(1), quick).await.allowed);
        let refused = limiter.charge(key(1), quick).await;
        assert!(!refused.allowed && !refused.retry_after.is_zero() && refused.retry_after <= Duration::from_millis(20));
        tokio::time::sleep(refused.retry_after).await;
        assert!(limiter.charge(key(1), quick).await.allowed);
    }
}
