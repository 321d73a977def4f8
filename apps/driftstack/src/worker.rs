//! What happens off the request path: mails, links, webhooks, sweeping and purging, each by a loop that sleeps until there is
//! something to do.

use std::{sync::Arc, time::Duration};

use driftstack_domain::{change::StoreError, ending::NotPurged, time::MINUTE, webhook::Batch};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::{metrics, wire::Services};

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
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    pub fn start(services: &Arc<Services>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mails = tokio::spawn(mails(services.clone(), stopped.clone()));
        let links = tokio::spawn(links(services.clone(), stopped.clone()));
        let pictures = tokio::spawn(pictures(services.clone(), stopped.clone()));
        let webhooks = tokio::spawn(webhooks(services.clone(), stopped.clone()));
        let sweeps = tokio::spawn(sweeps(services.clone(), stopped.clone()));
        let purges = tokio::spawn(purges(services.clone(), stopped));
        Self { stop, tasks: vec![mails, links, pictures, webhooks, sweeps, purges] }
    }

    /// Lets each finish the round it is in.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
    }
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
            running.join_next().await;
        }
        let done = services.dispatcher.claim().await.map(|batch| {
            let batch = batch.map(|batch| deliver(services.clone(), batch, stopped.clone()));
            batch.map(|delivering| running.spawn(delivering)).is_some()
        });
        // Whoever has delivered a batch may have left another one.
        let wake = async {
            tokio::select! {
                () = services.deliveries.event_written() => {}
                Some(_) = running.join_next() => {}
            }
        };
        rest(done, wake, &mut stopped).await;
    }
    while running.join_next().await.is_some() {}
}

async fn deliver(services: Arc<Services>, batch: Batch, stopped: watch::Receiver<bool>) {
    match services.dispatcher.deliver(batch, || *stopped.borrow()).await {
        Ok(round) => {
            metrics::dispatched(round);
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
