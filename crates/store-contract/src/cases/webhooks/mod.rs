//! `WebhookStore` and `DeliveryQueue`.

mod deliveries;
mod endpoints;
mod events;
mod forgetting;
mod giving_up;
mod leases;
mod races;
mod turns;

// A case is named by its concept, whichever file it lies in.
pub use self::{deliveries::*, endpoints::*, events::*, forgetting::*, giving_up::*, leases::*, races::*, turns::*};

use std::{sync::Arc, time::Duration};

use driftstack_domain::{
    id::{DeliveryId, EndpointId, LeaseId},
    page::{Limit, PageRequest},
    time::MINUTE,
    webhook::{
        Arrival, Claim, Claimed, CourierError, CreatedEndpoint, Delivery, DeliveryQueue as _, DeliveryStatus, Endpoint,
        EndpointEdit, EndpointOrder, EventType, Excerpt, MAX_WAIT, Marks, Settling, WebhookStore as _,
    },
};

use crate::{
    backend::Backend,
    world::{Person, World},
};

const LEASE: Duration = MINUTE;
const WHY: &str = "it is too late";

fn told_of(events: &[EventType]) -> EndpointOrder {
    let url = "https://hooks.example.com/driftstack?a=b".to_owned();
    EndpointOrder { url, events: events.to_vec(), description: Some("nightly – ä".parse().unwrap()) }
}

pub(super) async fn register<B: Backend>(world: &World<B>, who: &Person, events: &[EventType]) -> CreatedEndpoint {
    world.webhooks().create(&world.permit(who).await, told_of(events)).await.unwrap()
}

/// Olive, with an endpoint that is told of revoked keys.
async fn listening<B: Backend>(backend: B) -> (Arc<World<B>>, Person, EndpointId) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let endpoint = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
    (world, olive, endpoint)
}

/// Something happens so many times.
pub(super) async fn happen<B: Backend>(world: &World<B>, who: &Person, times: usize) {
    for n in 0..times {
        let key = world.mint(who, who, &format!("key {n}")).await.key.id;
        world.keys().revoke(&world.permit(who).await, key).await.unwrap();
    }
}

async fn edit<B: Backend>(world: &World<B>, who: &Person, id: EndpointId, edit: EndpointEdit) -> Endpoint {
    world.webhooks().edit(&world.permit(who).await, id, edit).await.unwrap()
}

async fn pause<B: Backend>(world: &World<B>, who: &Person, id: EndpointId, active: bool) {
    edit(world, who, id, EndpointEdit { active: Some(active), ..EndpointEdit::default() }).await;
}

async fn remove<B: Backend>(world: &World<B>, who: &Person, id: EndpointId) {
    world.webhooks().remove(&world.permit(who).await, id).await.unwrap();
}

pub(super) async fn claim<B: Backend>(world: &World<B>, limit: u16) -> Option<Claimed> {
    let (holder, now) = (LeaseId::new(world.desk.ids.next()), world.now());
    let too_late = now.minus(MAX_WAIT);
    let claim = Claim { holder, now, until: now.plus(LEASE), limit, too_late, why: WHY };
    world.store.claim_endpoint(&claim).await.unwrap()
}

pub(super) fn ok() -> Arrival {
    Arrival::Answered { status: 200, excerpt: Excerpt::of(b"thank you") }
}

fn refused() -> Arrival {
    Arrival::Failed(CourierError::TimedOut)
}

/// Notes what became of some of what was claimed.
pub(super) async fn mark<B: Backend>(
    world: &World<B>,
    claimed: &Claimed,
    arrivals: impl IntoIterator<Item = (usize, Arrival)>,
    ends: bool,
) -> Option<Endpoint> {
    let settling = |(nth, arrival): (usize, Arrival)| {
        let delivery = &claimed.deliveries[nth];
        Settling::after(delivery.id, delivery.attempts, arrival, world.now())
    };
    let marks = Marks {
        endpoint: claimed.endpoint.id,
        holder: claimed.holder,
        settlings: arrivals.into_iter().map(settling).collect(),
        tally: claimed.endpoint.tally,
        ends: ends.then(|| world.now()),
    };
    world.store.mark(&marks).await.unwrap()
}

pub(super) async fn listed<B: Backend>(world: &World<B>, id: EndpointId) -> Vec<Delivery> {
    let page = PageRequest { limit: Limit::new(100).unwrap(), after: None };
    world.store.deliveries(id, None, page).await.unwrap().rows
}

async fn statuses<B: Backend>(world: &World<B>, id: EndpointId) -> Vec<DeliveryStatus> {
    listed(world, id).await.iter().rev().map(|delivery| delivery.status).collect()
}

fn ids(claimed: &Claimed) -> Vec<DeliveryId> {
    claimed.deliveries.iter().map(|delivery| delivery.id).collect()
}

fn attempts(claimed: &Claimed) -> Vec<u32> {
    claimed.deliveries.iter().map(|delivery| delivery.attempts).collect()
}
