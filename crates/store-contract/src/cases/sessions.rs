//! `SessionStore`, and the cap on sessions.

use driftstack_domain::{
    access::{Permit, Presented},
    account::AccountStore as _,
    api_key::KeyOrder,
    change::MaybeStale as _,
    id::SessionId,
    page::{Limit, PageRequest},
    policy::{
        Role, Scope, ScopeSet,
        action::{CreateSession, DestroySession},
    },
    profile::ProfileOrder,
    session::{Behavior, CreateSessionError, Purpose, Session, SessionOrder, SessionState, SessionStore as _},
    testing::people,
    tier::Tier,
    time::HOUR,
};

use crate::{
    backend::Backend,
    forge,
    world::{Person, World, order, race, rows},
};

/// The most that a tier allows but for the highest, and how many want one.
const CAP: usize = 24;
const RUNNERS: usize = 60;

/// Somebody whose account is on this tier.
pub(super) async fn on<B: Backend>(world: &World<B>, name: &str, tier: Tier) -> Person {
    let person = world.person(name).await;
    world.operator().set_tier(&person.email, tier).await.unwrap();
    person
}

pub(super) async fn begin<B: Backend>(world: &World<B>, by: &Person) -> Session {
    let order = SessionOrder::default();
    world.sessions().create(&world.permit(by).await, order).await.unwrap()
}

pub(super) async fn end<B: Backend>(world: &World<B>, by: &Person, id: SessionId) {
    world.sessions().destroy(&world.permit(by).await, id).await.unwrap();
}

async fn running<B: Backend>(world: &World<B>, owner: &Person) -> u32 {
    world.store.own_account(owner.id).await.unwrap().unwrap().running_sessions
}

fn full(outcome: &Result<Session, CreateSessionError>) -> Option<(u32, u32)> {
    match outcome {
        Err(CreateSessionError::Full { running, limit }) => Some((*running, *limit)),
        _ => None,
    }
}

pub async fn a_session_is_read_as_it_was_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::ApiScale).await;
    let profile = ProfileOrder { name: people::name("shop"), archetype: None, description: None, metadata: None };
    let profile = world.profiles().create(&world.permit(&olive).await, profile).await.unwrap();
    let order = SessionOrder {
        archetype: Some("iphone_15".parse().unwrap()),
        purpose: Some(Purpose::Probe),
        label: Some(people::name("checkout – nightly")),
        // Postgres would refuse this character in a text, and in a document of its own.
        metadata: Some(
            serde_json::from_str(r#"{"run": [7, 1.5, null, true, "ä\u0000"], "deep": {"er": {}}}"#).unwrap(),
        ),
        behavior: Some(Behavior::PowerUser),
        profile: Some(profile.id),
    };
    for order in [order, SessionOrder::default()] {
        let session = world.sessions().create(&world.permit(&olive).await, order).await.unwrap();
        assert_eq!(world.store.session(olive.id, session.id).await.unwrap(), Some(session));
    }
    let actions = world.actions(olive.id).await;
    assert_eq!(actions[actions.len() - 3..], ["profile.created", "session.created", "session.created"]);
}

pub async fn sessions_are_listed_newest_first_whatever_their_state<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (on(&world, "olive", Tier::ApiScale).await, world.person("bo").await);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(begin(&world, &olive).await.id);
    }
    begin(&world, &bo).await;
    end(&world, &olive, ids[3]).await;
    ids.reverse();
    let page = PageRequest { limit: Limit::new(2).unwrap(), after: None };
    let first = world.store.sessions(olive.id, page).await.unwrap();
    // One that comes and one that ends between two pages move nothing across.
    begin(&world, &olive).await;
    end(&world, &olive, ids[2]).await;
    let second = world.store.sessions(olive.id, PageRequest { after: first.next, ..page }).await.unwrap();
    let third = world.store.sessions(olive.id, PageRequest { after: second.next, ..page }).await.unwrap();
    let pages = [&first, &second, &third].map(|page| page.rows.iter().map(|it| it.id).collect::<Vec<_>>());
    assert_eq!((pages.concat(), third.next), (ids, None));
    assert_eq!(first.rows[1].state(), SessionState::Destroyed);
}

pub async fn a_session_of_another_account_is_not_seen<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let session = begin(&world, &olive).await;
    assert_eq!(world.store.session(bo.id, session.id).await.unwrap(), None);
}

pub async fn a_session_ends_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let session = begin(&world, &olive).await;
    world.clock.advance(HOUR);
    end(&world, &olive, session.id).await;
    let ended = world.store.session(olive.id, session.id).await.unwrap().unwrap();
    assert_eq!(ended.destroyed_at, Some(world.now()));
    let before = world.backend.rows().await;
    let again = forge::session_destruction(&world.desk, &world.permit(&olive).await, session.clone()).await;
    assert!(world.store.commit_session_destruction(&again).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    assert_eq!(world.store.session(olive.id, session.id).await.unwrap(), Some(ended));
    assert_eq!(world.actions(olive.id).await.iter().filter(|action| *action == "session.destroyed").count(), 1);
}

pub async fn of_many_who_end_a_session_at_once_one_does<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let session = begin(&world, &olive).await;
    world.clock.advance(HOUR);
    let destroy = async |permit: Permit<DestroySession>| world.sessions().destroy(&permit, session.id).await;
    let outcomes = race(8, |_| world.call(olive.presented, None, destroy)).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(world.actions(olive.id).await.iter().filter(|action| *action == "session.destroyed").count(), 1);
    let period = world.usage().period(&world.permit(&olive).await).await.unwrap();
    assert_eq!(period.session_minutes, 60);
}

pub async fn what_is_over_the_cap_is_refused_and_writes_nothing<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (on(&world, "olive", Tier::TeamManual).await, world.person("ada").await);
    world.join(&olive, &ada, Role::Admin).await;
    let mut ids = Vec::new();
    for by in [&olive, &ada, &olive] {
        let permit = world.permit_on(by, &olive).await;
        ids.push(world.sessions().create(&permit, SessionOrder::default()).await.unwrap().id);
    }
    assert_eq!(running(&world, &olive).await, 3);
    assert_eq!(running(&world, &ada).await, 0, "it counts on the owner of the workspace");
    let before = world.backend.rows().await;
    for by in [&olive, &ada] {
        let permit = world.permit_on(by, &olive).await;
        let refused = world.sessions().create(&permit, SessionOrder::default()).await;
        assert_eq!(full(&refused), Some((3, 3)));
    }
    assert_eq!(world.backend.rows().await, before);
    begin(&world, &ada).await;
    end(&world, &olive, ids[1]).await;
    begin(&world, &olive).await;
    world.log(olive.id).await;
}

pub async fn a_lower_tier_ends_nothing_and_refuses_more<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::AgencyManual).await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(begin(&world, &olive).await.id);
    }
    // Decided on the higher tier: not committed on the lower one.
    let old = world.permit::<CreateSession>(&olive).await;
    world.operator().set_tier(&olive.email, Tier::TeamManual).await.unwrap();
    let stale = world.sessions().create(&old, SessionOrder::default()).await.unwrap_err();
    assert!(stale.is_stale(), "{stale}");
    assert_eq!(running(&world, &olive).await, 8);
    for gone in 0..6 {
        let refused = world.sessions().create(&world.permit(&olive).await, SessionOrder::default()).await;
        assert_eq!(full(&refused), Some((8 - gone, 3)));
        end(&world, &olive, ids[usize::try_from(gone).unwrap()]).await;
    }
    begin(&world, &olive).await;
}

pub async fn of_sixty_at_once_as_many_begin_as_there_is_room_for<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::ApiScale).await;
    let before = world.backend.rows().await;
    // Nobody tries twice: they do not make each other stale.
    let permit = world.permit::<CreateSession>(&olive).await;
    let sessions = world.sessions();
    let outcomes = race(RUNNERS, |_| sessions.create(&permit, SessionOrder::default())).await;
    let begun = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = outcomes.iter().filter(|outcome| full(outcome) == Some((24, 24))).count();
    assert_eq!((begun, refused), (CAP, RUNNERS - CAP), "{outcomes:?}");
    let grown = i64::try_from(CAP).unwrap();
    assert_eq!(world.grown_since(&before).await, rows([("sessions", grown), ("audit_entries", grown)]));
    assert_eq!(running(&world, &olive).await, 24);
    world.log(olive.id).await;
}

pub async fn many_who_begin_and_end_never_exceed_the_cap<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (on(&world, "olive", Tier::TeamManual).await, world.person("ada").await);
    world.join(&olive, &ada, Role::Admin).await;
    let run = async |n: usize| {
        let by = if n.is_multiple_of(2) { &olive } else { &ada };
        for _ in 0..6 {
            let create =
                async |permit: Permit<CreateSession>| world.sessions().create(&permit, SessionOrder::default()).await;
            if let Ok(session) = world.call(by.presented, Some(olive.id), create).await {
                assert!(running(&world, &olive).await <= 3);
                let destroy =
                    async |permit: Permit<DestroySession>| world.sessions().destroy(&permit, session.id).await;
                world.call(by.presented, Some(olive.id), destroy).await.unwrap();
            }
        }
    };
    race(8, run).await;
    assert_eq!(running(&world, &olive).await, 0);
    world.log(olive.id).await;
}

/// However busy an account is, its keys can be revoked and its team renamed.
pub async fn what_begins_and_ends_makes_nobody_stale<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::ApiScale).await;
    let key = world.mint(&olive, &olive, "ci").await.key;
    let revoke = world.permit(&olive).await;
    let create = world.permit(&olive).await;
    let ids = [begin(&world, &olive).await.id, begin(&world, &olive).await.id];
    end(&world, &olive, ids[0]).await;
    let profile = ProfileOrder { name: people::name("shop"), archetype: None, description: None, metadata: None };
    world.profiles().create(&world.permit(&olive).await, profile).await.unwrap();
    world.sessions().create(&create, SessionOrder::default()).await.unwrap();
    world.keys().revoke(&revoke, key.id).await.unwrap();
    world.log(olive.id).await;
}

pub async fn a_role_that_was_taken_away_begins_and_ends_nothing<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (on(&world, "olive", Tier::ApiScale).await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let session = begin(&world, &olive).await;
    let create = world.permit_on::<CreateSession>(&ada, &olive).await;
    let destroy = world.permit_on::<DestroySession>(&ada, &olive).await;
    world.memberships().change_role(&world.permit(&olive).await, membership.id, Role::Member).await.unwrap();
    let before = world.backend.rows().await;
    assert!(world.sessions().create(&create, SessionOrder::default()).await.unwrap_err().is_stale());
    assert!(world.sessions().destroy(&destroy, session.id).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
}

/// While somebody makes sessions as fast as they can, their key is revoked, and from then on there are no more.
pub async fn a_key_that_creates_all_the_time_is_revoked<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::Enterprise).await;
    let order = KeyOrder { scopes: ScopeSet::of(&[Scope::WriteSessions]), ..order("busy") };
    let minted = world.keys().mint(&world.permit(&olive).await, order).await.unwrap();
    let presented = Presented::Key(minted.secret.digest());
    let run = async |n: usize| {
        if n > 0 {
            for _ in 0..20 {
                let both = async |permit: Permit<CreateSession>| {
                    world.sessions().create(&permit, SessionOrder::default()).await
                };
                if world.call(presented, None, both).await.is_err() {
                    return;
                }
            }
        } else {
            // At the first attempt, and not at the last.
            world.keys().revoke(&world.permit(&olive).await, minted.key.id).await.unwrap();
        }
    };
    race(8, run).await;
    let actions = world.actions(olive.id).await;
    assert_eq!(actions.last().map(String::as_str), Some("api_key.revoked"), "{actions:?}");
}
