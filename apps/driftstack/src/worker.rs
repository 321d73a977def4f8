//! What happens off the request path: mails, links, webhooks, sweeping and purging, each by a loop that sleeps until there is
//! something to do.

use std::{sync::Arc, time::Duration};

use driftstack_domain::{change::StoreError, ending::NotPurged, time::MINUTE, webhook::Batch};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};

use crate::{
    metrics,
    wire::{Services, StartError},
};

/// After a fault of the store.
const PAUSE: Duration = Duration::from_secs(1);

/// Nothing waits for a picture to be swept.
const BETWEEN_PICTURES: Duration = MINUTE.saturating_mul(5);
/// Nobody has been let in for weeks.
const BETWEEN_PURGES: Duration = MINUTE;
/// What is to be forgotten is out of use already; it may lie there a little longer.
const BETWEEN_SWEEPS: Duration = MINUTE;

/// Webhook endpoints that a process delivers to at once. One that is slow holds its own place for some seconds, and then lets
/// another one have it.
const ENDPOINTS_AT_ONCE: usize = 64;

/// The running workers.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Workers {
    pub fn start(services: &Arc<Services>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(mails(services.clone(), stopped.clone()));
        tasks.spawn(links(services.clone(), stopped.clone()));
        tasks.spawn(pictures(services.clone(), stopped.clone()));
        tasks.spawn(webhooks(services.clone(), stopped.clone()));
        tasks.spawn(sweeps(services.clone(), stopped.clone()));
        tasks.spawn(purges(services.clone(), stopped));
        Self { stop, tasks }
    }

    /// Resolves when one has panicked. Nobody does its work any more, so the process had better end and be started again.
    pub async fn broken(&mut self) -> StartError {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(panicked) = ended {
                tell(&panicked);
                return StartError::new("a worker", panicked);
            }
        }
        std::future::pending().await
    }

    /// Lets each finish the round it is in.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        finish(&mut self.tasks).await;
    }
}

async fn finish(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(panicked) = ended {
            tell(&panicked);
        }
    }
}

/// What the runtime writes of it by itself is not a line of the log.
fn tell(panicked: &JoinError) {
    tracing::error!(%panicked, "a worker has panicked");
}

async fn mails(services: Arc<Services>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let done = services.postman.round().await.map(|round| {
            metrics::mailed(round);
            if round.failed > 0 {
                tracing::warn!(round.failed, "mails were not accepted");
            }
            round.sent + round.failed > 0
        });
        rest(done, services.outbox.written(), &mut stopped).await;
    }
}

async fn links(services: Arc<Services>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let done = services.links.round().await.map(|requests| requests > 0);
        rest(done, services.link_store.wanted(), &mut stopped).await;
    }
}

async fn pictures(services: Arc<Services>, mut stopped: watch::Receiver<bool>) {
    let Some(sweeper) = &services.sweeper else { return };
    while !*stopped.borrow() {
        let done = sweeper.round().await.map(|round| {
            metrics::swept(round);
            if round.failed > 0 {
                tracing::warn!(round.failed, "pictures were not swept away");
            }
            // With a blob store that is away, the next one would fail as well.
            round.removed > 0 && round.failed == 0
        });
        rest(done, tokio::time::sleep(BETWEEN_PICTURES), &mut stopped).await;
    }
}

/// Claims one endpoint after the other, and delivers to many at once.
async fn webhooks(services: Arc<Services>, mut stopped: watch::Receiver<bool>) {
    let mut running = JoinSet::new();
    while !*stopped.borrow() {
        while running.len() >= ENDPOINTS_AT_ONCE {
            delivered(&mut running).await;
        }
        let done = services.dispatcher.claim().await.map(|batch| {
            let batch = batch.map(|batch| deliver(services.clone(), batch, stopped.clone()));
            batch.map(|delivering| running.spawn(delivering)).is_some()
        });
        // Whoever has delivered a batch may have left another one.
        let wake = async {
            tokio::select! {
                () = services.deliveries.event_written() => {}
                true = delivered(&mut running) => {}
            }
        };
        rest(done, wake, &mut stopped).await;
    }
    finish(&mut running).await;
}

/// Waits for one of them; `false` where there is none. One that panics takes nobody along: its lease ends by itself.
async fn delivered(running: &mut JoinSet<()>) -> bool {
    let ended = running.join_next().await;
    if let Some(Err(panicked)) = &ended {
        tell(panicked);
    }
    ended.is_some()
}

async fn deliver(services: Arc<Services>, batch: Batch, stopped: watch::Receiver<bool>) {
    match services.dispatcher.deliver(batch, || *stopped.borrow()).await {
        Ok(round) => {
            metrics::dispatched(round);
            if round.put_off {
                tracing::warn!("an endpoint was put off: too many names are looked up at once");
            }
            if round.lost {
                tracing::info!("an endpoint was deleted or taken over while it was delivered to");
            }
        }
        // The lease ends by itself, and what was not noted is sent again.
        Err(error) => tracing::warn!(%error, "deliveries were not noted"),
    }
}

/// Forgets what has had its day.
async fn sweeps(services: Arc<Services>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let done = sweep(&services).await;
        rest(done, tokio::time::sleep(BETWEEN_SWEEPS), &mut stopped).await;
    }
}

/// Purges the accounts whose grace is over.
async fn purges(services: Arc<Services>, mut stopped: watch::Receiver<bool>) {
    let mut behind = None;
    while !*stopped.borrow() {
        let done = services.purger.round(behind).await.map(|round| {
            metrics::purged(&round);
            for NotPurged { account, why } in &round.failed {
                tracing::error!(%account, why, "an account could not be purged");
            }
            // From the beginning, with those that failed, after a while.
            behind = round.next;
            behind.is_some()
        });
        rest(done, tokio::time::sleep(BETWEEN_PURGES), &mut stopped).await;
    }
}

/// Whether there may be more of anything.
async fn sweep(services: &Services) -> Result<bool, StoreError> {
    let answers = services.idempotency.sweep().await?;
    let activations = services.activations.sweep().await?;
    let deliveries = services.dispatcher.forget().await?;
    Ok(answers || activations || deliveries)
}

/// Until there may be something to do, or it is time to stop. A round that did something is followed by another one at once.
async fn rest(done: Result<bool, StoreError>, wake: impl Future<Output = ()>, stopped: &mut watch::Receiver<bool>) {
    match done {
        Ok(true) => {}
        Ok(false) => tokio::select! {
            () = wake => {}
            _ = stopped.changed() => {}
        },
        Err(error) => {
            tracing::warn!(%error, "a worker could not reach the store");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(tasks: JoinSet<()>) -> Workers {
        Workers { stop: watch::Sender::new(false), tasks }
    }

    #[tokio::test]
    async fn a_worker_that_panics_breaks_them_all() {
        let mut tasks: JoinSet<()> = JoinSet::new();
        tasks.spawn(async { panic!("oh") });
        tasks.spawn(std::future::pending());
        let broken = workers(tasks).broken().await.to_string();
        assert!(broken.starts_with("a worker: ") && broken.contains("oh"), "{broken}");
    }

    #[tokio::test]
    async fn a_worker_that_has_nothing_to_do_breaks_nothing() {
        let mut tasks = JoinSet::new();
        tasks.spawn(async {});
        let mut workers = workers(tasks);
        assert!(tokio::time::timeout(Duration::from_millis(50), workers.broken()).await.is_err());
        workers.stop().await;
    }

    #[tokio::test]
    async fn a_delivery_that_panics_is_one_that_has_ended() {
        let mut running: JoinSet<()> = JoinSet::new();
        running.spawn(async { panic!("oh") });
        assert!(delivered(&mut running).await);
        assert!(!delivered(&mut running).await);
    }
}
