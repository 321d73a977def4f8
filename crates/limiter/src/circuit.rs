use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// What is away is left alone for so long before it is tried again: short enough to be back soon, and long enough that hardly
/// any caller waits in vain.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// Remembers whether something is away, so that not everybody finds out by waiting for it.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    /// While it is away: from when on one caller may try again.
    probe_at: Mutex<Option<Instant>>,
}

/// Leave to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Try {
    /// As one of many.
    Usual,
    /// Alone, to find out whether it is back.
    Probe,
}

impl Circuit {
    /// `None` while it is away. Who is given a probe and never tells how it went holds up the others for one [`PAUSE`].
    pub(crate) fn ask(&self) -> Option<Try> {
        let mut probe_at = self.lock();
        match *probe_at {
            None => Some(Try::Usual),
            Some(at) if at <= Instant::now() => {
                *probe_at = Some(Instant::now() + PAUSE);
                Some(Try::Probe)
            }
            Some(_) => None,
        }
    }

    /// Whether it has come back by this.
    #[must_use]
    pub(crate) fn succeeded(&self, it: Try) -> bool {
        // A usual try that succeeds late was begun before another one failed, and is no news.
        it == Try::Probe && self.lock().take().is_some()
    }

    /// Whether it has gone away by this.
    #[must_use]
    pub(crate) fn failed(&self, it: Try) -> bool {
        let mut probe_at = self.lock();
        let gone = probe_at.is_none();
        // Those that were begun together fail together, and must not put off the probe.
        if gone || it == Try::Probe {
            *probe_at = Some(Instant::now() + PAUSE);
        }
        gone
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.probe_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn everybody_tries_until_it_fails() {
        let circuit = Circuit::default();
        assert_eq!((circuit.ask(), circuit.ask()), (Some(Try::Usual), Some(Try::Usual)));
        assert!(!circuit.succeeded(Try::Usual));
        assert!(circuit.failed(Try::Usual), "it has gone away");
        assert_eq!(circuit.ask(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_probes_after_each_pause() {
        let circuit = Circuit::default();
        assert!(circuit.failed(Try::Usual));
        advance(PAUSE).await;
        assert_eq!((circuit.ask(), circuit.ask()), (Some(Try::Probe), None));
        assert!(!circuit.failed(Try::Probe), "it was away already");
        assert_eq!(circuit.ask(), None);
        advance(PAUSE).await;
        assert_eq!(circuit.ask(), Some(Try::Probe));
        assert!(circuit.succeeded(Try::Probe), "it has come back");
        assert_eq!(circuit.ask(), Some(Try::Usual));
    }

    #[tokio::test(start_paused = true)]
    async fn stragglers_change_nothing() {
        let circuit = Circuit::default();
        assert!(circuit.failed(Try::Usual));
        advance(PAUSE / 2).await;
        assert!(!circuit.failed(Try::Usual) && !circuit.succeeded(Try::Usual));
        assert_eq!(circuit.ask(), None);
        advance(PAUSE / 2).await;
        assert_eq!(circuit.ask(), Some(Try::Probe));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_never_heard_of_is_followed_by_another() {
        let circuit = Circuit::default();
        assert!(circuit.failed(Try::Usual));
        advance(PAUSE).await;
        assert_eq!(circuit.ask(), Some(Try::Probe));
        advance(PAUSE).await;
        assert_eq!(circuit.ask(), Some(Try::Probe));
    }
}
