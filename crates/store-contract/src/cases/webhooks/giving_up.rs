//! What is given up: after too many attempts, or after too long a wait.

use std::time::Duration;

use driftstack_domain::{
    time::{DAY, MINUTE},
    webhook::{Arrival, DeliveryStatus, Excerpt, MAX_WAIT, Tally, WebhookStore as _},
};

use super::{LEASE, WHY, claim, happen, ids, listed, listening, mark, ok, pause, refused, statuses};
use crate::backend::Backend;

pub async fn what_fails_six_times_is_given_up<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let began = world.now();
    for minutes in [1, 5, 15, 30, 60] {
        let claimed = claim(&world, 9).await.unwrap();
        mark(&world, &claimed, [(0, refused())], true).await;
        world.clock.advance((MINUTE * minutes).saturating_sub(Duration::from_secs(1)));
        assert_eq!(claim(&world, 9).await, None, "before {minutes} min are over");
        world.clock.advance(Duration::from_secs(1));
    }
    let last = claim(&world, 9).await.unwrap();
    let answer = Arrival::Answered { status: 503, excerpt: Excerpt::of(b"busy") };
    mark(&world, &last, [(0, answer)], true).await;
    let dead = listed(&world, id).await.remove(0);
    assert_eq!((dead.status, dead.attempts), (DeliveryStatus::Dlq, 6));
    assert_eq!((dead.last_response_status, dead.last_response_excerpt), (Some(503), Some(Excerpt::of(b"busy"))));
    assert_eq!(dead.settled_at, Some(began.plus(MINUTE * 111)));
    world.clock.advance(DAY);
    assert_eq!(claim(&world, 9).await, None);
}

/// Whatever it is: failed before, or left behind by somebody who crashed.
pub async fn what_has_waited_for_too_long_is_given_up_unsent<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 2).await;
    let claimed = claim(&world, 9).await.unwrap();
    let answer = Arrival::Answered { status: 503, excerpt: Excerpt::of(b"busy") };
    mark(&world, &claimed, [(0, answer)], true).await;
    world.clock.advance(MAX_WAIT.saturating_sub(LEASE));
    happen(&world, &olive, 1).await;
    let left_behind = claim(&world, 2).await.unwrap();
    assert_eq!(left_behind.deliveries.len(), 2);
    world.clock.advance(LEASE);
    assert_eq!(ids(&claim(&world, 2).await.unwrap()).len(), 2, "to the last moment");
    world.clock.advance(LEASE);
    let last = claim(&world, 9).await.unwrap();
    assert_eq!(last.deliveries.len(), 1);
    let (given_up, sent) = (DeliveryStatus::Dlq, DeliveryStatus::InFlight);
    assert_eq!(statuses(&world, id).await, [given_up, given_up, sent]);
    let late = listed(&world, id).await.pop().unwrap();
    assert_eq!((late.last_error.as_deref(), late.attempts, late.settled_at), (Some(WHY), 1, Some(world.now())));
    assert_eq!(late.last_response_status, Some(503), "the last answer is still shown");
    let counted = Tally { dlq: 2, ..claimed.endpoint.tally };
    assert_eq!((last.endpoint.active, last.endpoint.tally), (true, counted));
    assert_eq!(world.store.seen_endpoint(olive.id, id).await.unwrap(), Some(last.endpoint));
}

pub async fn a_backlog_is_given_up_in_pieces_before_anything_is_sent<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 3).await;
    world.clock.advance(MAX_WAIT + LEASE);
    happen(&world, &olive, 1).await;
    let first = claim(&world, 2).await.unwrap();
    assert!(first.deliveries.is_empty(), "there may be more that is too late");
    let (given_up, waits) = (DeliveryStatus::Dlq, DeliveryStatus::Pending);
    assert_eq!(statuses(&world, id).await, [given_up, given_up, waits, waits]);
    mark(&world, &first, [], true).await;
    assert_eq!(claim(&world, 2).await.unwrap().deliveries.len(), 1);
    assert_eq!(statuses(&world, id).await, [given_up, given_up, given_up, DeliveryStatus::InFlight]);
}

pub async fn what_is_replayed_has_all_its_time_again<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let claimed = claim(&world, 9).await.unwrap();
    mark(&world, &claimed, [(0, ok())], true).await;
    world.clock.advance(MAX_WAIT * 2);
    let delivery = ids(&claimed)[0];
    world.webhooks().replay(&world.permit(&olive).await, delivery).await.unwrap();
    world.clock.advance(MAX_WAIT);
    assert_eq!(ids(&claim(&world, 9).await.unwrap()), [delivery]);
    world.clock.advance(LEASE);
    assert!(claim(&world, 9).await.unwrap().deliveries.is_empty());
    assert_eq!(statuses(&world, id).await, [DeliveryStatus::Dlq]);
}

/// Nobody claims what is paused: it is given up when the endpoint is resumed.
pub async fn what_waited_for_too_long_while_paused_is_given_up<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    pause(&world, &olive, id, false).await;
    world.clock.advance(MAX_WAIT + LEASE);
    pause(&world, &olive, id, true).await;
    assert!(claim(&world, 9).await.unwrap().deliveries.is_empty());
    assert_eq!(statuses(&world, id).await, [DeliveryStatus::Dlq]);
}
