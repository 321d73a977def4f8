//! Webhook endpoints and their deliveries.

use std::sync::Arc;

use driftstack_domain::{
    access::Permit,
    desk::Desk,
    policy::action::{DeleteEndpoint, EditEndpoint, ReplayDelivery, RotateSecret, TestEndpoint},
    testing::people,
    webhook::{
        Delivery, Endpoint, EndpointChange, EndpointEdit, EndpointRemoval, MockWebhookStore, Reach, Replay,
        SecretRotation, TestPing, Webhooks,
    },
};

use super::Caught;

fn webhooks(desk: &Desk, store: MockWebhookStore) -> Webhooks {
    Webhooks::new(Arc::new(store), Reach::Public, desk.clone())
}

/// A store in which an endpoint is as it was.
fn with_endpoint(endpoint: Endpoint) -> MockWebhookStore {
    let mut store = MockWebhookStore::new();
    store.expect_seen_endpoint().returning(move |_, _| Ok(Some(endpoint.clone())));
    store
}

/// Pauses an endpoint.
pub async fn endpoint_change(desk: &Desk, by: &Permit<EditEndpoint>, endpoint: Endpoint) -> EndpointChange {
    let (id, caught) = (endpoint.id, Caught::nothing());
    let mut store = with_endpoint(endpoint);
    store.expect_commit_endpoint_change().returning(caught.catch());
    let edit = EndpointEdit { active: Some(false), ..EndpointEdit::default() };
    webhooks(desk, store).edit(by, id, edit).await.unwrap();
    caught.take()
}

pub async fn endpoint_removal(desk: &Desk, by: &Permit<DeleteEndpoint>, endpoint: Endpoint) -> EndpointRemoval {
    let (id, caught) = (endpoint.id, Caught::nothing());
    let mut store = with_endpoint(endpoint);
    store.expect_commit_endpoint_removal().returning(caught.catch());
    webhooks(desk, store).remove(by, id).await.unwrap();
    caught.take()
}

pub async fn secret_rotation(desk: &Desk, by: &Permit<RotateSecret>, endpoint: Endpoint) -> SecretRotation {
    let (id, caught) = (endpoint.id, Caught::nothing());
    let mut store = with_endpoint(endpoint);
    store.expect_commit_secret_rotation().returning(caught.catch());
    webhooks(desk, store).rotate_secret(by, id).await.unwrap();
    caught.take()
}

pub async fn test_ping(desk: &Desk, by: &Permit<TestEndpoint>, endpoint: Endpoint) -> TestPing {
    let (id, caught) = (endpoint.id, Caught::nothing());
    let mut store = with_endpoint(endpoint);
    store.expect_commit_test_ping().returning(caught.catch());
    webhooks(desk, store).test(by, id).await.unwrap();
    caught.take()
}

pub async fn replay(desk: &Desk, by: &Permit<ReplayDelivery>, delivery: Delivery) -> Replay {
    let (id, caught) = (delivery.id, Caught::nothing());
    let mut store = MockWebhookStore::new();
    store.expect_seen_delivery().returning(move |_, _| Ok(Some((delivery.clone(), people::endpoint()))));
    store.expect_commit_replay().returning(caught.catch());
    webhooks(desk, store).replay(by, id).await.unwrap();
    caught.take()
}
