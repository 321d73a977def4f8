//! Wakes whoever works off a list in the database.

use std::time::Duration;

use tokio::{sync::Notify, time::timeout};

/// So long a listener waits at the most: a mail becomes due again, or another process writes one, without any bell.
const ECHO: Duration = Duration::from_secs(1);

/// Rung after a commit. A ring that nobody has heard is kept for the next listener.
#[derive(Debug, Default)]
pub(crate) struct Bell(Notify);

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }

    /// Answers when it was rung, or without cause after a while.
    pub(crate) async fn heard(&self) {
        // Both outcomes mean the same: have a look.
        let _ = timeout(ECHO, self.0.notified()).await;
    }
}
