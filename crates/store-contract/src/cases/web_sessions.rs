//! `WebSessionStore`, and `PreferenceStore`.

use driftstack_domain::{
    access::Presented,
    change::MaybeStale as _,
    id::WebSessionId,
    mail::{MailPreference, OptionalMail, PreferenceStore as _},
    testing::people,
    time::HOUR,
    web_session::{SESSION_LIFE, SeenSession, WebSessionStore as _},
};

use crate::{
    backend::Backend,
    forge,
    world::{Person, World},
};

async fn seen<B: Backend>(world: &World<B>, who: &Person) -> SeenSession {
    let Presented::Session { id, .. } = who.presented else { unreachable!() };
    world.store.seen_session(id).await.unwrap().unwrap()
}

pub async fn a_session_is_renewed<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let before = seen(&world, &olive).await;
    world.clock.advance(HOUR);
    world.web_sessions().refresh(&olive.token).await.unwrap();
    let after = seen(&world, &olive).await;
    // The revision with the rest: nothing of the account changes.
    assert_eq!(after, SeenSession { generation: 2, expires_at: world.now().plus(SESSION_LIFE), ..before });
    assert_eq!(world.store.seen_session(WebSessionId::new(people::uuid(1))).await.unwrap(), None);
}

pub async fn a_renewal_needs_the_generation_it_was_decided_on<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let renewal = forge::session_renewal(&world.desk, &olive.token, seen(&world, &olive).await).await;
    world.store.commit_renewal(&renewal).await.unwrap();
    let once = seen(&world, &olive).await;
    assert!(world.store.commit_renewal(&renewal).await.unwrap_err().is_stale());
    assert_eq!(seen(&world, &olive).await, once);
}

pub async fn a_session_that_is_over_is_not_renewed<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let live = seen(&world, &olive).await;
    world.web_sessions().log_out(&olive.token).await.unwrap();
    let ended = forge::session_renewal(&world.desk, &olive.token, live).await;
    assert!(world.store.commit_renewal(&ended).await.unwrap_err().is_stale());
    let live = seen(&world, &bo).await;
    world.clock.advance(SESSION_LIFE);
    let as_if = SeenSession { expires_at: world.now().plus(HOUR), ..live };
    let expired = forge::session_renewal(&world.desk, &bo.token, as_if).await;
    assert!(world.store.commit_renewal(&expired).await.unwrap_err().is_stale());
    assert_eq!(seen(&world, &bo).await, live);
}

pub async fn a_session_ends_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let live = seen(&world, &olive).await;
    world.web_sessions().log_out(&olive.token).await.unwrap();
    let over = seen(&world, &olive).await;
    assert_eq!(over.ended_at, Some(world.now()));
    assert_eq!(world.actions(olive.id).await.last().unwrap(), "account.logout");
    let again = forge::session_end(&world.desk, &olive.token, SeenSession { ended_at: live.ended_at, ..over }).await;
    assert!(world.store.commit_end(&again).await.unwrap_err().is_stale());
    assert_eq!(seen(&world, &olive).await, over);
}

pub async fn a_preference_is_kept<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let declined = async || world.store.declined(olive.id).await.unwrap();
    let set = async |mail, opted_in| {
        let preference = MailPreference { mail, opted_in };
        let change = forge::preference(&world.desk, &world.permit(&olive).await, preference).await;
        world.store.commit_preference(&change).await.unwrap();
    };
    assert!(declined().await.is_empty());
    // Saying the same thing twice is saying it once.
    for _ in 0..2 {
        set(OptionalMail::TierChanged, false).await;
        assert_eq!(declined().await, [OptionalMail::TierChanged]);
    }
    set(OptionalMail::BillingReceipt, false).await;
    for _ in 0..2 {
        set(OptionalMail::TierChanged, true).await;
        assert_eq!(declined().await, [OptionalMail::BillingReceipt]);
    }
    assert!(world.store.declined(bo.id).await.unwrap().is_empty());
    assert_eq!(world.log(olive.id).await.len(), 2 + 5);
}
