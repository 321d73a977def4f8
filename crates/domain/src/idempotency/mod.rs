//! Asking twice, and getting once: a caller names a creation with a key, and whoever repeats it gets the first answer again.
//!
//! A [`Claim`] decides which of several equal requests runs. Its answer is committed with the change it tells of, so there is
//! never one without the other: killed before the commit, the claim's lease runs out and a repetition starts afresh; killed
//! after it, a repetition gets the answer. A refusal gives the claim up, so that what was put right may be sent under the same
//! key.

mod claim;
mod creation;
mod key;
mod port;

pub use claim::{ANSWER_LIFE, Claim, ClaimError, Claimed, LEASE, SeenClaim};
pub use creation::{Creation, KeptAnswer};
pub use key::{IdempotencyKey, KeyError};
pub use port::IdempotencyStore;
#[cfg(feature = "testing")]
pub use port::MockIdempotencyStore;

use std::sync::Arc;

use crate::{change::StoreError, desk::Desk};

/// Claims, and the answers that are kept for them.
pub struct Idempotency {
    store: Arc<dyn IdempotencyStore>,
    desk: Desk,
}

/// Answers that are forgotten at once: few enough to hold nobody up.
const BATCH: u16 = 500;

impl Idempotency {
    pub fn new(store: Arc<dyn IdempotencyStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    /// Forgets answers that have had their day; `true` when there may be more of them.
    pub async fn sweep(&self) -> Result<bool, StoreError> {
        Ok(self.store.forget_answers(self.desk.now(), BATCH).await? >= usize::from(BATCH))
    }
}
