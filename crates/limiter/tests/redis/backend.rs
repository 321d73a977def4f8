//! The suite that every limiter passes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use driftstack_domain::limit::{LimitKey, Limiter, Quota, Verdict};
use driftstack_limiter::{RedisLimiter, RemoteLimiter, contract::Backend, limiter_contract};

use crate::server::{self, Counting};

/// Without a fallback: a charge that Redis does not answer is a failure here.
struct Strict(RedisLimiter);

#[async_trait]
impl Limiter for Strict {
    async fn charge(&self, key: LimitKey, quota: Quota) -> Verdict {
        self.0.try_charge(key, quota).await.unwrap()
    }
}

struct Redis(Arc<Strict>);

impl Backend for Redis {
    async fn start() -> Self {
        Self(Arc::new(Strict(server::shared().limiter())))
    }

    fn limiter(&self) -> Arc<dyn Limiter> {
        self.0.clone()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// As much as the cases bear: in none of them a token comes back earlier than a second after it was looked for.
    fn slack(&self) -> Duration {
        Duration::from_millis(900)
    }
}

limiter_contract!(Redis);
