//! An endpoint or a delivery that two reach for at once.

use driftstack_domain::{
    time::HOUR,
    webhook::{DeliveryQueue as _, DeliveryStatus, EventType},
};

use super::{claim, happen, ids, listening, mark, ok, register, statuses};
use crate::{
    backend::Backend,
    world::{World, race},
};

/// A commit that comes while somebody ends the lease: whichever is first, the delivery is not forgotten.
pub async fn what_happens_while_a_lease_ends_is_not_forgotten<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    for n in 1..=12 {
        let key = world.mint(&olive, &olive, &format!("key {n}")).await.key.id;
        world.webhooks().test(&world.permit(&olive).await, id).await.unwrap();
        let claimed = claim(&world, 9).await.unwrap();
        let permit = world.permit(&olive).await;
        let either = async |runner: usize| match runner {
            0 => world.keys().revoke(&permit, key).await.unwrap(),
            _ => assert!(mark(&world, &claimed, [(0, ok())], true).await.is_some()),
        };
        race(2, either).await;
        let next = claim(&world, 9).await.expect("the revoked key is told of");
        assert_eq!(next.deliveries.len(), 1);
        mark(&world, &next, [(0, ok())], true).await;
    }
    assert_eq!(statuses(&world, id).await, [DeliveryStatus::Delivered; 24]);
}

/// A replay that comes while somebody ends the lease: whichever is first, the endpoint is due.
pub async fn what_is_replayed_while_a_lease_ends_is_not_forgotten<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let first = claim(&world, 9).await.unwrap();
    mark(&world, &first, [(0, ok())], true).await;
    for _ in 0..12 {
        world.webhooks().test(&world.permit(&olive).await, id).await.unwrap();
        let claimed = claim(&world, 9).await.unwrap();
        let permit = world.permit(&olive).await;
        let either = async |runner: usize| match runner {
            0 => drop(world.webhooks().replay(&permit, ids(&first)[0]).await.unwrap()),
            _ => assert!(mark(&world, &claimed, [(0, ok())], true).await.is_some()),
        };
        race(2, either).await;
        let next = claim(&world, 9).await.expect("the replayed one is due");
        assert_eq!(ids(&next), ids(&first));
        mark(&world, &next, [(0, ok())], true).await;
    }
}

/// Of a replay and those who forget one comes first: what was put back is kept, and what was forgotten is not put back.
pub async fn what_is_replayed_is_not_forgotten_meanwhile<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    for _ in 0..24 {
        happen(&world, &olive, 1).await;
        let delivered = claim(&world, 9).await.unwrap();
        mark(&world, &delivered, [(0, ok())], true).await;
        world.clock.advance(HOUR);
        let permit = world.permit(&olive).await;
        let either = async |runner: usize| match runner {
            0 => world.webhooks().replay(&permit, ids(&delivered)[0]).await.is_ok(),
            _ => world.store.forget(world.now(), world.now(), 9).await.unwrap(),
        };
        let replayed = race(3, either).await.contains(&true);
        assert_eq!(statuses(&world, id).await, vec![DeliveryStatus::Pending; usize::from(replayed)]);
        if replayed {
            let again = claim(&world, 9).await.unwrap();
            assert_eq!(ids(&again), ids(&delivered));
            mark(&world, &again, [(0, ok())], true).await;
            world.clock.advance(HOUR);
            world.store.forget(world.now(), world.now(), 9).await.unwrap();
        }
    }
}

/// Of a deletion and a claim one comes first: nothing is in flight for an endpoint that is gone.
pub async fn of_a_deletion_and_a_claim_one_comes_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for _ in 0..8 {
        let id = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
        happen(&world, &olive, 2).await;
        let permit = world.permit(&olive).await;
        let either = async |runner: usize| match runner {
            0 => {
                world.webhooks().remove(&permit, id).await.unwrap();
                None
            }
            _ => claim(&world, 9).await,
        };
        let claimed = race(2, either).await.into_iter().flatten().next();
        assert_eq!(statuses(&world, id).await, [DeliveryStatus::Dlq; 2]);
        if let Some(claimed) = claimed {
            assert_eq!(mark(&world, &claimed, [(0, ok())], true).await, None);
        }
        assert_eq!(statuses(&world, id).await, [DeliveryStatus::Dlq; 2]);
    }
}
