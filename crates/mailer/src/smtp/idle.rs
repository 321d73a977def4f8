use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use lettre::transport::smtp::client::AsyncSmtpConnection;

/// Connections that wait for the next mail.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<(Instant, AsyncSmtpConnection)>>);

/// One worker sends one mail at a time; the others are for whoever sends besides.
const MOST: usize = 4;

/// Shorter than most servers wait: Postfix closes after 5 minutes, and 30 seconds to a minute are not unheard of.
const LONGEST: Duration = Duration::from_secs(30);

impl Idle {
    /// The one that waited least. When that waited too long, all the others did too.
    pub(super) fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, connection) = waiting.pop()?;
        if since.elapsed() > LONGEST {
            waiting.clear();
            return None;
        }
        Some(connection)
    }

    pub(super) fn keep(&self, connection: AsyncSmtpConnection) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.push((Instant::now(), connection));
        }
    }
}
