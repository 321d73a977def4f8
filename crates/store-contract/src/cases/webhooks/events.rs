//! What happens, written with its change for everybody who wants to hear of it.

use std::time::Duration;

use driftstack_domain::{
    access::Permit,
    api_key::ApiKeyStore as _,
    change::MaybeStale as _,
    policy::Role,
    webhook::{DeliveryQueue as _, DeliveryStatus, EventType, WebhookStore as _},
};
use tokio::time::timeout;

use super::{claim, happen, listed, listening, pause, register};
use crate::{
    backend::Backend,
    forge,
    world::{World, order, race, rows},
};

pub async fn an_event_is_written_with_its_change<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let bo = world.person("bo").await;
    let other = register(&world, &olive, &[EventType::RoleChanged]).await.endpoint.id;
    let paused = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
    pause(&world, &olive, paused, false).await;
    let bos = register(&world, &bo, &[EventType::KeyRevoked]).await.endpoint.id;
    let key = world.mint(&olive, &olive, "ci").await.key.id;
    let before = world.backend.rows().await;
    world.keys().revoke(&world.permit(&olive).await, key).await.unwrap();
    assert_eq!(
        world.grown_since(&before).await,
        rows([("audit_entries", 1), ("webhook_events", 1), ("webhook_deliveries", 1)])
    );
    let delivery = listed(&world, id).await.remove(0);
    assert_eq!(
        (delivery.kind, delivery.status, delivery.seq, delivery.next_attempt_at),
        (EventType::KeyRevoked, DeliveryStatus::Pending, 1, world.now())
    );
    for nobody in [other, paused, bos] {
        assert!(listed(&world, nobody).await.is_empty());
    }
    let message = claim(&world, 9).await.unwrap().deliveries.remove(0).message;
    assert_eq!((message.id, message.account, message.at), (delivery.event, olive.id, world.now()));
    assert_eq!(message.data["api_key_id"], key.to_string());
}

pub async fn what_nobody_wants_to_hear_is_not_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    register(&world, &olive, &[EventType::SessionCompleted]).await;
    let before = world.backend.rows().await;
    happen(&world, &olive, 1).await;
    assert_eq!(world.grown_since(&before).await, rows([("audit_entries", 2), ("api_keys", 1)]));
    assert_eq!(claim(&world, 9).await, None);
}

pub async fn the_team_tells_of_its_members<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let all = [EventType::MemberAdded, EventType::RoleChanged, EventType::MemberRemoved, EventType::KeyRevoked];
    let id = register(&world, &olive, &all).await.endpoint.id;
    let membership = world.join(&olive, &ada, Role::Admin).await;
    world.keys().mint(&world.permit_on(&ada, &olive).await, order("hers")).await.unwrap();
    let memberships = world.memberships();
    memberships.change_role(&world.permit(&olive).await, membership.id, Role::Member).await.unwrap();
    memberships.remove(&world.permit(&olive).await, membership.id).await.unwrap();
    let kinds: Vec<_> = listed(&world, id).await.iter().rev().map(|delivery| delivery.kind.as_str()).collect();
    assert_eq!(kinds, ["team.member_added", "team.role_changed", "team.member_removed", "api_key.revoked"]);
}

pub async fn a_refused_commit_tells_nobody<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let key = world.mint(&olive, &olive, "ci").await.key;
    let old = world.permit(&olive).await;
    world.mint(&olive, &olive, "another").await;
    let before = world.backend.rows().await;
    assert!(world.keys().revoke(&old, key.id).await.is_err());
    let forged = forge::key_revocation(&world.desk, &world.permit(&olive).await, key.clone()).await;
    world.keys().revoke(&world.permit(&olive).await, key.id).await.unwrap();
    assert!(world.store.commit_key_revocation(&forged).await.is_err());
    let told = world.grown_since(&before).await;
    assert_eq!(told, rows([("audit_entries", 1), ("webhook_events", 1), ("webhook_deliveries", 1)]));
    assert_eq!(listed(&world, id).await.len(), 1);
}

pub async fn a_commit_with_an_event_wakes_the_dispatcher<B: Backend>(backend: B) {
    let (world, olive, _) = listening(backend).await;
    let key = world.mint(&olive, &olive, "ci").await.key.id;
    world.store.event_written().await;
    world.keys().revoke(&world.permit(&olive).await, key).await.unwrap();
    assert!(timeout(Duration::from_millis(500), world.store.event_written()).await.is_ok());
    // Without a commit it still looks about once in a while, for what has become due.
    assert!(timeout(Duration::from_secs(5), world.store.event_written()).await.is_ok());
}

pub async fn a_ping_is_for_one_endpoint<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let other = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
    let ping = world.webhooks().test(&world.permit(&olive).await, id).await.unwrap();
    let delivery = listed(&world, id).await.remove(0);
    assert_eq!((delivery.id, delivery.event, delivery.kind), (ping.delivery, ping.event, EventType::TestPing));
    assert!(listed(&world, other).await.is_empty());
    // One that was paused between the decision and the commit.
    let seen = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    pause(&world, &olive, id, false).await;
    let late = forge::test_ping(&world.desk, &world.permit(&olive).await, seen).await;
    assert!(world.store.commit_test_ping(&late).await.unwrap_err().is_stale());
}

/// Also where many commit at once.
pub async fn deliveries_are_numbered_in_the_order_of_the_commits<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let mut keys = Vec::new();
    for n in 0..12 {
        keys.push(world.mint(&olive, &olive, &format!("key {n}")).await.key.id);
    }
    let revoke = async |n: usize| {
        let revoke = async |permit: Permit<_>| world.keys().revoke(&permit, keys[n]).await;
        while world.call(olive.presented, None, revoke).await.is_err() {}
    };
    race(12, revoke).await;
    let revoked = world.log(olive.id).await.into_iter().filter(|entry| entry.action == "api_key.revoked");
    let committed: Vec<String> = revoked.map(|entry| entry.target.unwrap()).collect();
    let claimed = claim(&world, 100).await.unwrap();
    let told: Vec<String> =
        claimed.deliveries.iter().map(|it| it.message.data["api_key_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, committed);
    let numbers: Vec<i64> = listed(&world, id).await.iter().rev().map(|delivery| delivery.seq).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
}
