//! What is attempted when: what failed, what is new, and whose turn it is.

use std::time::Duration;

use driftstack_domain::{
    time::MINUTE,
    webhook::{CourierError, DeliveryStatus, EventType},
};

use super::{attempts, claim, happen, ids, listed, listening, mark, ok, refused, register};
use crate::backend::Backend;

pub async fn what_failed_waits_and_holds_up_nothing<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let failing = claim(&world, 9).await.unwrap();
    mark(&world, &failing, [(0, refused())], true).await;
    let failed = listed(&world, id).await.remove(0);
    assert_eq!((failed.status, failed.attempts), (DeliveryStatus::Failed, 1));
    assert_eq!((failed.next_attempt_at, failed.settled_at), (world.now().plus(MINUTE), None));
    assert_eq!(failed.last_error, Some(CourierError::TimedOut.to_string()));

    happen(&world, &olive, 2).await;
    let newer = claim(&world, 9).await.unwrap();
    assert_eq!(newer.deliveries.len(), 2);
    mark(&world, &newer, [(0, ok()), (1, ok())], true).await;
    assert_eq!(claim(&world, 9).await, None);
    world.clock.advance(MINUTE);
    let again = claim(&world, 9).await.unwrap();
    assert_eq!(ids(&again), ids(&failing));
    assert_eq!((again.deliveries[0].attempts, &again.deliveries[0].message), (1, &failing.deliveries[0].message));
}

pub async fn retries_and_what_is_new_take_turns<B: Backend>(backend: B) {
    let (world, olive, _) = listening(backend).await;
    happen(&world, &olive, 6).await;
    let failing = claim(&world, 9).await.unwrap();
    mark(&world, &failing, (0..6).map(|nth| (nth, refused())), true).await;
    world.clock.advance(MINUTE);
    happen(&world, &olive, 2).await;
    let mixed = claim(&world, 5).await.unwrap();
    assert_eq!(attempts(&mixed), [1, 0, 1, 0, 1]);
    mark(&world, &mixed, [(1, ok()), (3, ok())], true).await;
    assert_eq!(ids(&claim(&world, 9).await.unwrap()), ids(&failing), "where nothing is new, there is room for all");
}

pub async fn where_a_stint_is_one_attempt_the_one_that_has_waited_longest_is_made<B: Backend>(backend: B) {
    let (world, olive, _) = listening(backend).await;
    happen(&world, &olive, 3).await;
    let failing = claim(&world, 9).await.unwrap();
    mark(&world, &failing, (0..3).map(|nth| (nth, refused())), true).await;
    world.clock.advance(MINUTE / 2);
    happen(&world, &olive, 2).await;
    world.clock.advance(MINUTE / 2);
    let mut made = Vec::new();
    for _ in 0..6 {
        world.clock.advance(Duration::from_secs(10));
        happen(&world, &olive, 1).await;
        let claimed = claim(&world, 9).await.unwrap();
        made.push(claimed.deliveries[0].attempts);
        mark(&world, &claimed, [(0, refused())], true).await;
    }
    assert_eq!(made, [0, 0, 1, 1, 1, 0]);
}

/// Also where its retries have been due for longer than anything that anybody else waits for.
pub async fn a_slow_endpoint_goes_to_the_back_of_the_queue<B: Backend>(backend: B) {
    let (world, olive, slow) = listening(backend).await;
    let bo = world.person("bo").await;
    let other = register(&world, &bo, &[EventType::KeyRevoked]).await.endpoint.id;
    happen(&world, &olive, 3).await;
    let failing = claim(&world, 9).await.unwrap();
    mark(&world, &failing, (0..3).map(|nth| (nth, refused())), true).await;
    world.clock.advance(MINUTE);
    let first = claim(&world, 9).await.unwrap();
    assert_eq!(first.endpoint.id, slow);
    world.clock.advance(Duration::from_secs(5));
    happen(&world, &bo, 1).await;
    world.clock.advance(Duration::from_secs(5));
    mark(&world, &first, [(0, refused())], true).await;
    assert_eq!(claim(&world, 9).await.unwrap().endpoint.id, other);
    assert_eq!(claim(&world, 9).await.unwrap().endpoint.id, slow, "at once all the same");
}
