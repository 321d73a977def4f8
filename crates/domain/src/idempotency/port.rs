use async_trait::async_trait;

use super::claim::{Claim, SeenClaim};
use crate::{change::StoreError, time::Timestamp};

/// Claims by their slot. An answer gets in through the commit of the change that it tells of: it MUST be `Stale` unless the
/// claim is still held by whoever made it, and has no answer.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Takes the slot, or answers with what is in it.
    ///
    /// The slot is free when nothing is in it, when what is in it has expired at the time of the claim, or when its lease is
    /// over and there is no answer. MUST be atomic: of several who claim at once one gets it.
    async fn claim(&self, claim: &Claim) -> Result<Option<SeenClaim>, StoreError>;

    /// Gives the slot back. MUST NOT touch an answer, nor the claim of somebody else.
    async fn give_up(&self, claim: &Claim) -> Result<(), StoreError>;

    /// Forgets up to `limit` claims that have expired at `now`, with their answers; answers how many there were.
    async fn forget_answers(&self, now: Timestamp, limit: u16) -> Result<usize, StoreError>;
}
