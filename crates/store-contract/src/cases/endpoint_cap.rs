//! An account has only so many endpoints. Nothing is counted under the lock: who registers one moves the revision, so of several
//! who saw the last place free one commits, and the others look again and see that it is taken.

use driftstack_domain::{
    access::Permit,
    policy::action::CreateEndpoint,
    webhook::{CreateEndpointError, EndpointOrder, EventType, MAX_ENDPOINTS, WebhookStore as _},
};

use crate::{
    backend::Backend,
    world::{Attempt, World, race},
};

pub async fn one_of_eight_gets_the_last_place<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let (url, events) = ("https://example.com/".to_owned(), vec![EventType::KeyRevoked]);
    let order = EndpointOrder { url, events, description: None };
    let create = async |permit: Permit<CreateEndpoint>| world.webhooks().create(&permit, order.clone()).await;
    for _ in 1..MAX_ENDPOINTS {
        world.call(olive.presented, None, create).await.unwrap();
    }
    for round in 0..4 {
        let outcomes = race(8, |_| world.call(olive.presented, None, create)).await;
        let full = |it: &&Result<_, _>| matches!(it, Err(Attempt::Use(CreateEndpointError::TooMany)));
        assert_eq!(outcomes.iter().filter(full).count(), 7, "in round {round}: {outcomes:?}");
        let there = world.store.endpoints(olive.id).await.unwrap();
        assert_eq!(there.len(), MAX_ENDPOINTS, "in round {round}");
        world.webhooks().remove(&world.permit(&olive).await, there[round].id).await.unwrap();
    }
}
