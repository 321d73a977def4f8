//! `WebSessionStore`, and `PreferenceStore`.

use driftstack_domain::{
    change::MaybeStale as _,
    id::WebSessionId,
    mail::{MailPreference, OptionalMail, PreferenceStore as _},
    page::{Limit, PageRequest},
    testing::people,
    time::HOUR,
    web_session::{SESSION_LIFE, SeenSession, WebSessionStore as _},
};

use crate::{
    backend::Backend,
    forge,
    world::{Person, World, agent},
};

async fn seen<B: Backend>(world: &World<B>, who: &Person) -> SeenSession {
    world.store.seen_session(who.session()).await.unwrap().unwrap()
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

pub async fn live_sessions_are_listed_newest_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, _) = (world.person("olive").await, world.person("bo").await);
    let second = world.sign_in(&olive).await;
    world.clock.advance(HOUR);
    let third = world.sign_in(&olive).await;
    world.web_sessions().log_out(&second.token).await.unwrap();
    let page = |limit, after| PageRequest { limit: Limit::new(limit).unwrap(), after };
    let list = async |page| world.store.live_sessions(olive.id, world.now(), page).await.unwrap();
    let first_page = list(page(1, None)).await;
    let newest = &first_page.rows[0];
    assert_eq!((newest.id, newest.created_at, newest.last_used_at), (third.session(), world.now(), None));
    assert_eq!((&newest.agent, newest.expires_at), (&agent(), world.now().plus(SESSION_LIFE)));
    let rest = list(page(5, first_page.next)).await;
    assert_eq!(rest.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [olive.session()]);
    assert_eq!(rest.next, None);
    // The first one is over an hour before the third.
    world.clock.advance(SESSION_LIFE.checked_sub(HOUR).unwrap());
    assert_eq!(list(page(5, None)).await.rows.len(), 1);
}

pub async fn every_session_but_one_ends<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let (second, third) = (world.sign_in(&olive).await, world.sign_in(&olive).await);
    let permit = world.permit(&second).await;
    assert_eq!(world.web_sessions().revoke_others(&permit).await.unwrap(), 2);
    assert_eq!(seen(&world, &second).await.ended_at, None);
    assert_eq!(seen(&world, &bo).await.ended_at, None);
    for ended in [&olive, &third] {
        assert_eq!(seen(&world, ended).await.ended_at, Some(world.now()));
    }
    assert_eq!(world.actions(olive.id).await.last().unwrap(), "account.web_session_revoked");
    let again = world.web_sessions().revoke_others(&world.permit(&second).await).await.unwrap();
    assert_eq!((again, world.log(olive.id).await.len()), (0, 5));
}

pub async fn a_sign_in_between_makes_the_ending_of_the_others_stale<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let other = world.sign_in(&olive).await;
    // Decided on two others where there is one: as if a session had ended between the look and the commit.
    let record = forge::others_end(&world.desk, &world.permit(&olive).await, 2).await;
    assert!(world.store.commit_others_end(&record).await.unwrap_err().is_stale());
    assert_eq!(seen(&world, &other).await.ended_at, None);
    let permit = world.permit(&olive).await;
    world.sign_in(&olive).await;
    let late = world.web_sessions().revoke_others(&permit).await;
    assert!(late.unwrap_err().is_stale());
    assert_eq!(seen(&world, &other).await.ended_at, None);
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
