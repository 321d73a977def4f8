//! What happens off the request path: mails, links and the sweeping of pictures, each by a loop that sleeps until there is something to do.

use std::{sync::Arc, time::Duration};

use driftstack_domain::{change::StoreError, time::MINUTE};
use tokio::{sync::watch, task::JoinHandle};

use crate::{metrics, wire::Services};

/// After a fault of the store.
const PAUSE: Duration = Duration::from_secs(1);

/// Nothing waits for a picture to be swept.
const SWEEP_EVERY: Duration = MINUTE.saturating_mul(5);

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
        let pictures = tokio::spawn(pictures(services.clone(), stopped));
        Self { stop, tasks: vec![mails, links, pictures] }
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
        rest(done, tokio::time::sleep(SWEEP_EVERY), &mut stopped).await;
    }
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
