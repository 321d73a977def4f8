//! What is over is not kept for ever.

use driftstack_domain::{
    time::{DAY, HOUR},
    webhook::{DeliveryQueue as _, DeliveryStatus, EventType, WebhookStore as _},
};

use super::{claim, happen, listening, mark, ok, register, remove, statuses};
use crate::backend::Backend;

pub async fn what_was_settled_long_ago_is_forgotten<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let both = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
    world.webhooks().rotate_secret(&world.permit(&olive).await, id).await.unwrap();
    let before = world.backend.rows().await;
    happen(&world, &olive, 3).await;
    for _ in 0..2 {
        let claimed = claim(&world, 9).await.unwrap();
        let arrivals = if claimed.endpoint.id == id { vec![(0, ok()), (1, ok()), (2, ok())] } else { vec![(1, ok())] };
        mark(&world, &claimed, arrivals, true).await;
    }
    let of_webhooks = async || {
        let grown = world.grown_since(&before).await;
        ["webhook_events", "webhook_deliveries"].map(|table| grown.get(table).copied().unwrap_or_default())
    };
    let settled = world.now();
    assert!(!world.store.forget(settled, world.now(), 9).await.unwrap());
    assert_eq!(of_webhooks().await, [3, 6]);
    world.clock.advance(HOUR);
    assert!(world.store.forget(world.now(), world.now(), 2).await.unwrap(), "there is more");
    assert!(!world.store.forget(world.now(), world.now(), 9).await.unwrap());
    assert_eq!(of_webhooks().await, [2, 2], "what waits is kept, and the events that it is about");
    assert_eq!(statuses(&world, both).await, [DeliveryStatus::Pending; 2]);

    let rotating = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    assert!(rotating.old_secret.is_some());
    world.clock.advance(DAY);
    world.store.forget(settled, world.now(), 9).await.unwrap();
    assert_eq!(world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap().old_secret, None);
}

pub async fn a_deleted_endpoint_is_forgotten_after_its_deliveries<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let kept = register(&world, &olive, &[EventType::RoleChanged]).await.endpoint.id;
    let idle = register(&world, &olive, &[EventType::RoleChanged]).await.endpoint.id;
    happen(&world, &olive, 2).await;
    remove(&world, &olive, id).await;
    remove(&world, &olive, idle).await;
    let (deleted, log) = (world.now(), world.log(olive.id).await);
    world.clock.advance(HOUR);
    let is_there = async |id| world.store.seen_endpoint(olive.id, id).await.unwrap().is_some();
    assert!(!world.store.forget(deleted, world.now(), 9).await.unwrap());
    assert!(is_there(idle).await, "not before its time");
    assert!(world.store.forget(world.now(), world.now(), 1).await.unwrap(), "there is more");
    assert_eq!((is_there(id).await, is_there(idle).await), (true, false), "while a delivery can be looked up");
    world.store.forget(world.now(), world.now(), 9).await.unwrap();
    assert_eq!((is_there(id).await, is_there(kept).await), (false, true));
    assert_eq!(world.log(olive.id).await, log, "the log keeps what was said of it");
}
