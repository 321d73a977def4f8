//! What the owner sees of deliveries, and sends again.

use std::collections::BTreeMap;

use driftstack_domain::{
    change::MaybeStale as _,
    page::{Limit, PageRequest},
    time::HOUR,
    webhook::{DeliveryQueue as _, DeliveryStatus, WebhookStore as _},
};

use super::{claim, happen, ids, listed, listening, mark, ok, refused};
use crate::{backend::Backend, forge};

pub async fn a_delivery_is_replayed_from_the_status_it_was_seen_in<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let claimed = claim(&world, 9).await.unwrap();
    mark(&world, &claimed, [(0, ok())], true).await;
    let delivered = listed(&world, id).await.remove(0);
    assert_eq!(delivered.delivered_at(), Some(world.now()));
    let bo = world.person("bo").await;
    assert_eq!(world.store.seen_delivery(bo.id, delivered.id).await.unwrap(), None, "another account's");

    world.clock.advance(HOUR);
    let again = world.webhooks().replay(&world.permit(&olive).await, delivered.id).await.unwrap();
    assert_eq!(listed(&world, id).await, std::slice::from_ref(&again));
    assert_eq!((again.status, again.attempts, again.event), (DeliveryStatus::Pending, 0, delivered.event));
    let late = forge::replay(&world.desk, &world.permit(&olive).await, delivered).await;
    assert!(world.store.commit_replay(&late).await.unwrap_err().is_stale());
    let replayed = claim(&world, 9).await.unwrap();
    assert_eq!(ids(&replayed), ids(&claimed));
    assert_eq!(replayed.deliveries[0].message, claimed.deliveries[0].message, "the same event, under the same ids");
}

pub async fn deliveries_are_listed_newest_first_by_status<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 5).await;
    let claimed = claim(&world, 4).await.unwrap();
    mark(&world, &claimed, [(0, ok()), (1, refused()), (2, ok())], true).await;
    let page = PageRequest { limit: Limit::new(2).unwrap(), after: None };
    let first = world.store.deliveries(id, None, page).await.unwrap();
    happen(&world, &olive, 1).await;
    let second = world.store.deliveries(id, None, PageRequest { after: first.next, ..page }).await.unwrap();
    let third = world.store.deliveries(id, None, PageRequest { after: second.next, ..page }).await.unwrap();
    let numbers: Vec<i64> =
        [&first, &second, &third].iter().flat_map(|page| page.rows.iter().map(|delivery| delivery.seq)).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!(third.next, None);
    let mut by_status = BTreeMap::new();
    for status in DeliveryStatus::ALL {
        let page = PageRequest { limit: Limit::new(100).unwrap(), after: None };
        let found = world.store.deliveries(id, Some(*status), page).await.unwrap().rows;
        by_status.insert(status.as_str(), found.iter().map(|delivery| delivery.seq).collect::<Vec<_>>());
    }
    assert_eq!(
        by_status,
        BTreeMap::from([
            ("pending", vec![6, 5, 4]),
            ("in_flight", vec![]),
            ("delivered", vec![3, 1]),
            ("failed", vec![2]),
            ("dlq", vec![])
        ])
    );
    assert_eq!(world.store.waiting().await.unwrap(), 4);
}
