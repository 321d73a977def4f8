//! Rate limiters: adapters of the domain's `Limiter` port.
//!
//! * [`MemoryLimiter`] counts in this process, which is right for a deployment of one.
//! * `contract` (a feature) is the suite that every limiter passes; a new one is done when
//!   `limiter_contract!(ItsBackend)` is green.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;
mod quota;

pub use memory::MemoryLimiter;
