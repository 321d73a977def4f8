//! API keys, and the devices that get one.

use std::sync::Arc;

use driftstack_domain::{
    access::Permit,
    activation::{
        Activation, Activations, Binding, DeviceCode, Handover, MockActivationStore, SeenActivation, UserCode,
    },
    api_key::{ApiKey, ApiKeys, KeyRevocation, MockApiKeyStore, Rotation},
    desk::Desk,
    policy::action::{BindDevice, RevokeKey, RotateKey},
};

use super::Caught;

fn activations(desk: &Desk, store: MockActivationStore) -> Activations {
    Activations::new(Arc::new(store), desk.clone())
}

/// A binding by somebody to whom the activation seems to be unbound.
pub async fn binding(desk: &Desk, by: &Permit<BindDevice>, code: &UserCode, seen: Activation) -> Binding {
    let (mut store, caught) = (MockActivationStore::new(), Caught::nothing());
    store.expect_unbound_activation().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_binding().returning(caught.catch());
    activations(desk, store).bind(by, code).await.unwrap();
    caught.take()
}

pub async fn handover(desk: &Desk, seen: SeenActivation) -> Handover {
    let (mut store, caught) = (MockActivationStore::new(), Caught::nothing());
    store.expect_seen_activation().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_handover().returning(caught.catch());
    let (code, state) = (DeviceCode::parse("any").unwrap(), "0123456789abcdef".to_owned().try_into().unwrap());
    activations(desk, store).exchange(&code, &state).await.unwrap();
    caught.take()
}

pub async fn rotation(desk: &Desk, by: &Permit<RotateKey>, key: ApiKey) -> Rotation {
    let (mut store, caught) = (MockApiKeyStore::new(), Caught::nothing());
    let id = key.id;
    store.expect_seen_key().returning(move |_, _| Ok(Some(key.clone())));
    store.expect_commit_rotation().returning(caught.catch());
    ApiKeys::new(Arc::new(store), desk.clone()).rotate(by, id, None).await.unwrap();
    caught.take()
}

pub async fn key_revocation(desk: &Desk, by: &Permit<RevokeKey>, key: ApiKey) -> KeyRevocation {
    let (mut store, caught) = (MockApiKeyStore::new(), Caught::nothing());
    let id = key.id;
    store.expect_seen_key().returning(move |_, _| Ok(Some(key.clone())));
    store.expect_commit_key_revocation().returning(caught.catch());
    ApiKeys::new(Arc::new(store), desk.clone()).revoke(by, id).await.unwrap();
    caught.take()
}
