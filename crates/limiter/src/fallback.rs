use std::fmt;

use async_trait::async_trait;
use driftstack_domain::limit::{LimitKey, Limiter, Quota, Verdict};
use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::{
    MemoryLimiter,
    circuit::{Circuit, Try},
};

const REDIS_UP: &str = "driftstack_limiter_redis_up";
const FALLBACK_TOTAL: &str = "driftstack_limiter_fallback_total";

/// A limiter that may have no answer, because what it counts with is elsewhere.
///
/// An implementation MUST answer or fail soon: a caller waits for it.
#[async_trait]
pub trait RemoteLimiter: Send + Sync {
    type Error: fmt::Display + Send;

    async fn try_charge(&self, key: LimitKey, quota: Quota) -> Result<Verdict, Self::Error>;
}

/// Asks Redis, and counts in the memory of this process while Redis is away.
///
/// A charge that Redis does not answer is answered by the memory limiter. From then on Redis is left alone, but for one charge
/// in each second, which is enough to notice that it is back. Meanwhile every process counts alone and from full buckets: a
/// caller may get as much from each, which is better than nothing from all.
///
/// The metric `driftstack_limiter_redis_up` says 1 or 0, and `driftstack_limiter_fallback_total` counts the charges that the
/// memory limiter answered. A log line tells when Redis goes away, and another when it is back.
pub struct WithFallback<R> {
    remote: R,
    memory: MemoryLimiter,
    circuit: Circuit,
}

impl<R: RemoteLimiter> WithFallback<R> {
    /// Takes Redis for present until a charge fails. The recorder of the metrics should be installed before.
    pub fn new(remote: R) -> Self {
        describe_gauge!(REDIS_UP, "Whether rate limits are counted in Redis (1) or in this process alone (0)");
        describe_counter!(FALLBACK_TOTAL, "Charges that were counted in this process because Redis was away");
        gauge!(REDIS_UP).set(1.0);
        Self { remote, memory: MemoryLimiter::new(), circuit: Circuit::default() }
    }

    async fn ask_remote(&self, key: LimitKey, quota: Quota) -> Option<Verdict> {
        let leave = self.circuit.ask()?;
        match self.remote.try_charge(key, quota).await {
            Ok(verdict) => {
                self.succeeded(leave);
                Some(verdict)
            }
            Err(error) => {
                self.failed(leave, &error);
                None
            }
        }
    }

    fn succeeded(&self, leave: Try) {
        if self.circuit.succeeded(leave) {
            gauge!(REDIS_UP).set(1.0);
            tracing::info!("Redis is back: rate limits are shared again");
        }
    }

    fn failed(&self, leave: Try, error: &R::Error) {
        if self.circuit.failed(leave) {
            gauge!(REDIS_UP).set(0.0);
            tracing::warn!(%error, "Redis is away: this process counts rate limits alone");
        }
    }
}

#[async_trait]
impl<R: RemoteLimiter> Limiter for WithFallback<R> {
    async fn charge(&self, key: LimitKey, quota: Quota) -> Verdict {
        if let Some(verdict) = self.ask_remote(key, quota).await {
            return verdict;
        }
        counter!(FALLBACK_TOTAL).increment(1);
        self.memory.charge(key, quota).await
    }
}

impl<R> fmt::Debug for WithFallback<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WithFallback")
    }
}
