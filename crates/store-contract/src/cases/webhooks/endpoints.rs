//! Registering, changing and deleting endpoints.

use driftstack_domain::{
    access::Permit,
    account::Edit,
    change::MaybeStale as _,
    id::{DeliveryId, EndpointId},
    policy::action::CreateEndpoint,
    testing::people,
    time::DAY,
    webhook::{CreateEndpointError, DeliveryStatus, EndpointEdit, EventType, MAX_ENDPOINTS, WebhookStore as _},
};

use super::{claim, edit, happen, listed, listening, mark, ok, pause, refused, register, remove, statuses, told_of};
use crate::{
    backend::Backend,
    forge,
    world::{Attempt, World, race, rows},
};

pub async fn an_endpoint_is_read_as_it_was_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let before = world.backend.rows().await;
    let made = register(&world, &olive, &[EventType::KeyRevoked, EventType::MemberAdded]).await.endpoint;
    assert_eq!(world.store.seen_endpoint(olive.id, made.id).await.unwrap(), Some(made));
    let grown = rows([("webhook_endpoints", 1), ("audit_entries", 1), ("account_keys", 1)]);
    assert_eq!(world.grown_since(&before).await, grown);
    assert_eq!(world.actions(olive.id).await.pop().unwrap(), "webhook_endpoint.created");
}

pub async fn endpoints_are_listed_newest_first_but_for_deleted_ones<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let mut made = Vec::new();
    for _ in 0..4 {
        made.insert(0, register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id);
    }
    let bos = register(&world, &bo, &[EventType::KeyRevoked]).await.endpoint.id;
    pause(&world, &olive, made[0], false).await;
    remove(&world, &olive, made.remove(2)).await;
    let listed = world.store.endpoints(olive.id).await.unwrap();
    assert_eq!(listed.iter().map(|endpoint| endpoint.id).collect::<Vec<_>>(), made);
    assert_eq!(world.store.seen_endpoint(olive.id, bos).await.unwrap(), None, "another account's");
}

pub async fn an_endpoint_is_changed<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let change = EndpointEdit {
        url: Some("https://example.org/".to_owned()),
        events: Some(vec![EventType::RoleChanged]),
        description: Edit::Clear,
        active: Some(false),
    };
    let changed = edit(&world, &olive, id, change).await;
    assert_eq!(world.store.seen_endpoint(olive.id, id).await.unwrap(), Some(changed));
}

pub async fn a_deleted_endpoint_keeps_no_secret_and_gives_up_what_waits<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    world.webhooks().rotate_secret(&world.permit(&olive).await, id).await.unwrap();
    happen(&world, &olive, 3).await;
    let claimed = claim(&world, 2).await.unwrap();
    mark(&world, &claimed, [(0, ok()), (1, refused())], false).await;
    remove(&world, &olive, id).await;
    let gone = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    assert_eq!((gone.disabled_at, gone.active), (Some(world.now()), false));
    assert_eq!((gone.secret, gone.old_secret), (None, None));
    assert_eq!(
        statuses(&world, id).await,
        [DeliveryStatus::Delivered, DeliveryStatus::Dlq, DeliveryStatus::Dlq],
        "what had arrived has arrived"
    );
    let last = listed(&world, id).await.remove(0);
    assert_eq!((last.last_error.as_deref(), last.settled_at), (Some("the endpoint was deleted"), Some(world.now())));
    assert_eq!(mark(&world, &claimed, [], true).await, None, "whoever delivers has lost it");
    world.clock.advance(DAY);
    assert_eq!(claim(&world, 9).await, None);
    happen(&world, &olive, 1).await;
    assert_eq!(listed(&world, id).await.len(), 3, "it is told nothing more");
}

pub async fn what_is_deleted_is_not_changed<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let there = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    remove(&world, &olive, id).await;
    let before = world.backend.rows().await;
    let desk = &world.desk;
    let change = forge::endpoint_change(desk, &world.permit(&olive).await, there.clone()).await;
    assert!(world.store.commit_endpoint_change(&change).await.unwrap_err().is_stale());
    let rotation = forge::secret_rotation(desk, &world.permit(&olive).await, there.clone()).await;
    assert!(world.store.commit_secret_rotation(&rotation).await.unwrap_err().is_stale());
    let removal = forge::endpoint_removal(desk, &world.permit(&olive).await, there.clone()).await;
    assert!(world.store.commit_endpoint_removal(&removal).await.unwrap_err().is_stale());
    let ping = forge::test_ping(desk, &world.permit(&olive).await, there).await;
    assert!(world.store.commit_test_ping(&ping).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    world.log(olive.id).await;
}

pub async fn a_secret_is_rotated_from_the_one_that_was_seen<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let seen = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    let rotated = world.webhooks().rotate_secret(&world.permit(&olive).await, id).await.unwrap();
    let now = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    assert_eq!(now, rotated.endpoint);
    assert_eq!(now.old_secret, seen.secret.clone().map(|secret| (secret, world.now().plus(DAY))));
    let late = forge::secret_rotation(&world.desk, &world.permit(&olive).await, seen).await;
    assert!(world.store.commit_secret_rotation(&late).await.unwrap_err().is_stale());
    assert_eq!(world.store.seen_endpoint(olive.id, id).await.unwrap(), Some(now));
}

pub async fn of_sixteen_who_register_at_once_ten_do<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let create = async |permit: Permit<CreateEndpoint>| {
        world.webhooks().create(&permit, told_of(&[EventType::KeyRevoked])).await
    };
    let outcomes = race(16, |_| async {
        // As somebody does who gets a 503.
        loop {
            match world.call(olive.presented, None, create).await {
                Err(Attempt::Use(error)) if error.is_stale() => {}
                outcome => return outcome,
            }
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), MAX_ENDPOINTS);
    let full = |outcome: &&Result<_, _>| matches!(outcome, Err(Attempt::Use(CreateEndpointError::TooMany)));
    assert_eq!(outcomes.iter().filter(full).count(), 16 - MAX_ENDPOINTS, "{outcomes:?}");
    let made = world.store.endpoints(olive.id).await.unwrap();
    assert_eq!(made.len(), MAX_ENDPOINTS);
    remove(&world, &olive, made[0].id).await;
    register(&world, &olive, &[EventType::KeyRevoked]).await;
}

/// Nothing that is asked for by an id that was never given answers.
pub async fn what_was_never_made_is_not_seen<B: Backend>(backend: B) {
    let (world, olive, _) = listening(backend).await;
    assert_eq!(world.store.seen_endpoint(olive.id, EndpointId::new(people::uuid(1))).await.unwrap(), None);
    assert_eq!(world.store.seen_delivery(olive.id, DeliveryId::new(people::uuid(1))).await.unwrap(), None);
}
