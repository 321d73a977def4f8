//! What others were told of somebody, when that one is purged.

use driftstack_domain::{
    ending::{GRACE, HoldingStore as _},
    page::PageRequest,
    policy::Role,
    webhook::{Arrival, EventType, Excerpt},
};

use super::webhooks::{claim, listed, mark, register};
use crate::{Backend, World};

/// Also where the team has gone on to somebody else since, and where the receiver answered with what it was sent.
pub async fn an_address_is_forgotten_in_what_others_were_told<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive, bo) = (world.staffer("sam").await, world.person("olive").await, world.person("bo").await);
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    let endpoint = register(&world, &olive, &[EventType::MemberAdded]).await.endpoint;
    for member in [&bo, &ada, &eve] {
        world.join(&olive, member, Role::Member).await;
    }
    let claimed = claim(&world, 10).await.unwrap();
    let echo = |nth: usize| {
        let body = claimed.deliveries[nth].message.body();
        (nth, Arrival::Answered { status: 200, excerpt: Excerpt::of(body.as_bytes()) })
    };
    mark(&world, &claimed, [echo(0), echo(1), echo(2)], true).await.unwrap();
    world.staff().transfer(&world.permit(&sam).await, olive.id, bo.id).await.unwrap();

    world.prove(&ada).await;
    world.endings().delete(&world.permit(&ada).await).await.unwrap();
    world.clock.advance(GRACE);
    assert_eq!(world.purger().round(None).await.unwrap().purged, 1);

    let told = world.store.every_event(olive.id, PageRequest::default()).await.unwrap().rows;
    let addresses: Vec<_> = told.iter().map(|event| event.data["member_email"].as_str()).collect();
    assert_eq!(addresses, [Some(eve.email.as_str()), None, Some(bo.email.as_str())]);
    let answers: Vec<_> =
        listed(&world, endpoint.id).await.into_iter().map(|it| it.last_response_excerpt.is_some()).collect();
    assert_eq!(answers, [true, false, true]);
}
