//! Rate limiters: adapters of the domain's `Limiter` port.
//!
//! * [`MemoryLimiter`] counts in this process, which is right for a deployment of one.
//! * `RedisLimiter` (feature `redis`) counts in Redis, for a deployment of many. It has no answer while Redis is away, so it
//!   is not a `Limiter` by itself: `WithFallback` makes it one.
//! * `contract` (a feature) is the suite that every limiter passes; a new one is done when
//!   `limiter_contract!(ItsBackend)` is green.

#[cfg(feature = "redis")]
mod circuit;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
#[cfg(feature = "redis")]
mod fallback;
mod memory;
mod quota;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "redis")]
pub use fallback::{RemoteLimiter, WithFallback};
pub use memory::MemoryLimiter;
#[cfg(feature = "redis")]
pub use redis::{OpenError, RedisLimiter, Unanswered};
