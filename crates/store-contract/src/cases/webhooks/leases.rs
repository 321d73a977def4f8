//! Who may deliver to an endpoint, and for how long.

use std::collections::HashSet;

use driftstack_domain::{
    testing::people,
    time::{HOUR, MINUTE},
    webhook::{DeliveryQueue as _, DeliveryStatus, EndpointEdit, EventType, Marks, WebhookStore as _},
};

use super::{
    LEASE, attempts, claim, edit, happen, ids, listening, mark, ok, pause, refused, register, remove, statuses,
};
use crate::{
    backend::Backend,
    world::{World, race},
};

pub async fn an_endpoint_is_claimed_by_one_alone<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    assert_eq!(claim(&world, 9).await, None, "nothing is due");
    happen(&world, &olive, 5).await;
    let claimed = claim(&world, 3).await.unwrap();
    assert_eq!((claimed.endpoint.id, claimed.deliveries.len()), (id, 3));
    assert_eq!(claim(&world, 9).await, None, "there is more, and still only one may deliver");
    assert_eq!(
        statuses(&world, id).await[..4],
        [DeliveryStatus::InFlight, DeliveryStatus::InFlight, DeliveryStatus::InFlight, DeliveryStatus::Pending]
    );
    happen(&world, &olive, 1).await;
    assert_eq!(claim(&world, 9).await, None, "nor for what has come since");
    assert!(mark(&world, &claimed, (0..3).map(|nth| (nth, ok())), true).await.is_some());
    let rest = claim(&world, 9).await.unwrap();
    assert_eq!(rest.deliveries.len(), 3);
    assert!(ids(&claimed).iter().all(|id| !ids(&rest).contains(id)));
}

pub async fn many_who_claim_share_no_endpoint<B: Backend>(backend: B) {
    let world = World::new(backend);
    let mut all = HashSet::new();
    for n in 0..8 {
        let person = world.person(&format!("person{n}")).await;
        all.insert(register(&world, &person, &[EventType::KeyRevoked]).await.endpoint.id);
        happen(&world, &person, 2).await;
    }
    let claimed = race(4, |_| async {
        let mut mine = Vec::new();
        let mut empty = 0;
        while empty < 5 && mine.len() < 16 {
            match claim(&world, 9).await {
                Some(claimed) => mine.push(claimed),
                // What another one is claiming is passed over.
                None => empty += 1,
            }
        }
        mine
    });
    let claimed = claimed.await.concat();
    assert_eq!(claimed.len(), 8);
    assert_eq!(claimed.iter().map(|it| it.endpoint.id).collect::<HashSet<_>>(), all);
    assert!(claimed.iter().all(|it| it.deliveries.len() == 2));
}

/// As after a crash between sending and marking.
pub async fn a_lease_that_ran_out_is_taken_over_with_the_same_ids<B: Backend>(backend: B) {
    let (world, olive, _) = listening(backend).await;
    happen(&world, &olive, 4).await;
    let first = claim(&world, 3).await.unwrap();
    mark(&world, &first, [(0, ok())], false).await;
    world.clock.advance(LEASE / 2);
    assert_eq!(claim(&world, 9).await, None);
    world.clock.advance(LEASE / 2);
    let second = claim(&world, 9).await.unwrap();
    assert_eq!(ids(&second)[..2], ids(&first)[1..], "what was not marked, first and in its order");
    assert_eq!(second.deliveries[..2], first.deliveries[1..], "the same events, and no attempt more");
    assert_eq!(second.deliveries.len(), 3);

    assert_eq!(mark(&world, &first, [(1, refused())], true).await, None, "too late");
    assert_eq!(claim(&world, 9).await, None, "and nothing was given back by it");
    assert!(mark(&world, &second, (0..3).map(|nth| (nth, ok())), true).await.is_some());
    assert_eq!(claim(&world, 9).await, None);
}

pub async fn what_was_claimed_and_not_sent_waits_again<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 2).await;
    let first = claim(&world, 9).await.unwrap();
    mark(&world, &first, [(0, refused())], true).await;
    world.clock.advance(MINUTE);
    let second = claim(&world, 9).await.unwrap();
    assert_eq!(attempts(&second), [0, 1]);
    mark(&world, &second, [], true).await;
    assert_eq!(statuses(&world, id).await, [DeliveryStatus::Failed, DeliveryStatus::Pending]);
    let third = claim(&world, 9).await.unwrap();
    assert_eq!(ids(&third), ids(&second), "at once");

    let (holder, tally) = (third.holder, third.endpoint.tally);
    let ends = Some(world.now().plus(LEASE * 2));
    world.store.mark(&Marks { endpoint: id, holder, settlings: Vec::new(), tally, ends }).await.unwrap().unwrap();
    world.clock.advance(LEASE);
    happen(&world, &olive, 1).await;
    assert_eq!(claim(&world, 9).await, None, "nor for what has come since: it was given back for later");
    world.clock.advance(LEASE);
    assert_eq!(claim(&world, 9).await.unwrap().deliveries.len(), 3);
}

pub async fn whoever_delivers_hears_of_a_change<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 3).await;
    let claimed = claim(&world, 9).await.unwrap();
    assert_eq!(mark(&world, &claimed, [(0, ok())], false).await.as_ref(), Some(&claimed.endpoint), "none yet");
    let elsewhere = EndpointEdit { url: Some("https://example.org/".to_owned()), ..EndpointEdit::default() };
    edit(&world, &olive, id, elsewhere).await;
    let rotated = world.webhooks().rotate_secret(&world.permit(&olive).await, id).await.unwrap().endpoint;
    assert_eq!(rotated.url.as_str(), "https://example.org/");
    assert_eq!(mark(&world, &claimed, [(1, ok())], false).await, Some(rotated));
    assert_eq!(claim(&world, 9).await, None, "it still holds the lease");
}

pub async fn whoever_has_lost_the_lease_notes_nothing<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 3).await;
    let mut first = claim(&world, 2).await.unwrap();
    first.endpoint.tally.delivered = 7;
    world.clock.advance(LEASE);
    let second = claim(&world, 9).await.unwrap();
    let before = world.backend.dump().await;
    for ends in [false, true] {
        assert_eq!(mark(&world, &first, [(0, ok()), (1, refused())], ends).await, None);
        assert_eq!(world.backend.dump().await, before, "somebody else has it");
    }
    remove(&world, &olive, id).await;
    let before = world.backend.dump().await;
    for ends in [false, true] {
        assert_eq!(mark(&world, &second, [(0, ok()), (1, refused())], ends).await, None);
        assert_eq!(world.backend.dump().await, before, "it is deleted");
    }
}

pub async fn a_paused_endpoint_waits_and_goes_on<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 3).await;
    let claimed = claim(&world, 2).await.unwrap();
    pause(&world, &olive, id, false).await;
    assert!(!mark(&world, &claimed, [(0, ok())], false).await.unwrap().active);
    assert!(!mark(&world, &claimed, [], true).await.unwrap().active);
    world.clock.advance(HOUR);
    assert_eq!(claim(&world, 9).await, None);
    happen(&world, &olive, 1).await;
    pause(&world, &olive, id, true).await;
    let rest = claim(&world, 9).await.unwrap();
    assert_eq!(ids(&rest)[0], ids(&claimed)[1]);
    assert_eq!(rest.deliveries.len(), 2, "what happened meanwhile is not told");
}

/// Resuming an endpoint to which somebody is still delivering gives it to nobody else.
pub async fn a_resumed_endpoint_is_still_delivered_to_by_one<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 2).await;
    let claimed = claim(&world, 1).await.unwrap();
    pause(&world, &olive, id, false).await;
    pause(&world, &olive, id, true).await;
    assert_eq!(claim(&world, 9).await, None);
    mark(&world, &claimed, [(0, ok())], true).await;
    assert_eq!(claim(&world, 9).await.unwrap().deliveries.len(), 1);
}

pub async fn the_tally_is_kept_with_the_marks<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let claimed = claim(&world, 9).await.unwrap();
    let mut tally = claimed.endpoint.tally;
    (tally.delivered, tally.failed, tally.dlq, tally.consecutive_failures) = (5, 4, 3, 2);
    (tally.last_success_at, tally.last_failure_at) = (Some(world.now()), Some(people::EARLIER));
    let marks = Marks { endpoint: id, holder: claimed.holder, settlings: Vec::new(), tally, ends: Some(world.now()) };
    let noted = world.store.mark(&marks).await.unwrap();
    assert_eq!(noted.map(|endpoint| endpoint.tally), Some(tally));
    assert_eq!(world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap().tally, tally);
}
