//! Whether the blob store answers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use driftstack_domain::avatar::BlobStore;
use tokio::{sync::Mutex, time::timeout};

/// Anybody may ask `/readyz`, as often as they like; the blob store is asked so rarely.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// A probe does not wait long itself.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// What is known of the blob store.
pub struct BlobHealth {
    blobs: Option<Arc<dyn BlobStore>>,
    last: Mutex<Option<(Instant, &'static str)>>,
}

impl BlobHealth {
    pub fn of(blobs: Option<Arc<dyn BlobStore>>) -> Self {
        Self { blobs, last: Mutex::new(None) }
    }

    /// `ok`, `away`, or `none` where there is no blob store.
    pub async fn word(&self) -> &'static str {
        let Some(blobs) = &self.blobs else { return "none" };
        let mut last = self.last.lock().await;
        if let Some((_, word)) = last.filter(|(asked, _)| asked.elapsed() < ASK_EVERY) {
            return word;
        }
        let word = if let Ok(Ok(())) = timeout(ANSWER_WITHIN, blobs.ping()).await { "ok" } else { "away" };
        *last = Some((Instant::now(), word));
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftstack_domain::avatar::{BlobError, MockBlobStore};

    #[tokio::test]
    async fn the_store_is_asked_once_for_many_who_want_to_know() {
        for (answer, word) in [(Ok(()), "ok"), (Err(BlobError(String::new())), "away")] {
            let mut blobs = MockBlobStore::new();
            blobs.expect_ping().times(1).returning(move || answer.clone());
            let health = BlobHealth::of(Some(Arc::new(blobs)));
            for _ in 0..3 {
                assert_eq!(health.word().await, word);
            }
        }
        assert_eq!(BlobHealth::of(None).word().await, "none");
    }
}
