//! `ProfileStore`, and the cap on profiles.

use driftstack_domain::{
    access::Permit,
    account::{AccountStore as _, Edit},
    change::MaybeStale as _,
    id::ProfileId,
    page::{Limit, PageRequest},
    policy::{
        Role,
        action::{CreateProfile, CreateSession, DeleteProfile, UpdateProfile},
    },
    profile::{
        CreateProfileError, DeleteProfileError, Profile, ProfileOrder, ProfilePatch, ProfileStore as _,
        UpdateProfileError,
    },
    session::{CreateSessionError, SessionOrder, SessionStore as _},
    testing::people,
    tier::Tier,
    time::HOUR,
};

use super::sessions::on;
use crate::{
    backend::Backend,
    forge,
    world::{Attempt, Person, World, race, rows},
};

const CAP: usize = 25;
const RUNNERS: usize = 60;

fn order(name: &str) -> ProfileOrder {
    ProfileOrder { name: people::name(name), archetype: None, description: None, metadata: None }
}

async fn keep<B: Backend>(world: &World<B>, by: &Person, name: &str) -> Profile {
    world.profiles().create(&world.permit(by).await, order(name)).await.unwrap()
}

fn renamed(name: &str) -> ProfilePatch {
    ProfilePatch { name: Some(people::name(name)), ..ProfilePatch::default() }
}

fn launch(profile: ProfileId) -> SessionOrder {
    SessionOrder { profile: Some(profile), ..SessionOrder::default() }
}

pub async fn a_profile_is_read_as_it_was_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::SoloManual).await;
    let full = ProfileOrder {
        name: people::name("Shop – ä"),
        archetype: Some("pixel_8".parse().unwrap()),
        description: Some("two\nlines".parse().unwrap()),
        metadata: Some(serde_json::from_str(r#"{"a": "\u0000", "b": [1]}"#).unwrap()),
    };
    let kept = world.profiles().create(&world.permit(&olive).await, full).await.unwrap();
    assert_eq!(world.store.profile(olive.id, kept.id).await.unwrap(), Some(kept.clone()));
    world.clock.advance(HOUR);
    let patch = ProfilePatch { description: Edit::Clear, ..renamed("Other") };
    let updated = world.profiles().update(&world.permit(&olive).await, kept.id, patch).await.unwrap();
    assert_eq!(updated, Profile { name: people::name("Other"), description: None, updated_at: world.now(), ..kept });
    assert_eq!(world.store.profile(olive.id, updated.id).await.unwrap(), Some(updated));
}

pub async fn profiles_are_listed_newest_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (on(&world, "olive", Tier::SoloManual).await, world.person("bo").await);
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(keep(&world, &olive, &format!("profile {n}")).await.id);
    }
    let other = keep(&world, &bo, "profile 0").await;
    assert_eq!(world.store.profile(olive.id, other.id).await.unwrap(), None);
    ids.reverse();
    let page = PageRequest { limit: Limit::new(3).unwrap(), after: None };
    let first = world.store.profiles(olive.id, page).await.unwrap();
    world.profiles().delete(&world.permit(&olive).await, ids[0]).await.unwrap();
    keep(&world, &olive, "newer").await;
    let second = world.store.profiles(olive.id, PageRequest { after: first.next, ..page }).await.unwrap();
    let shown: Vec<_> = first.rows.iter().chain(&second.rows).map(|it| it.id).collect();
    assert_eq!((shown, second.next), (ids, None));
}

pub async fn a_name_is_that_of_one_profile_of_an_account<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (on(&world, "olive", Tier::SoloManual).await, world.person("bo").await);
    let shop = keep(&world, &olive, "shop").await;
    let other = keep(&world, &olive, "other").await;
    keep(&world, &bo, "shop").await;
    let before = world.backend.rows().await;
    let taken = world.profiles().create(&world.permit(&olive).await, order("shop")).await;
    assert!(matches!(taken, Err(CreateProfileError::NameTaken)), "{taken:?}");
    let taken = world.profiles().update(&world.permit(&olive).await, other.id, renamed("shop")).await;
    assert!(matches!(taken, Err(UpdateProfileError::NameTaken)), "{taken:?}");
    assert_eq!(world.backend.rows().await, before);
    world.profiles().delete(&world.permit(&olive).await, shop.id).await.unwrap();
    keep(&world, &olive, "shop").await;
}

pub async fn of_sixty_at_once_as_many_are_kept_as_there_is_room_for<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::ApiStarter).await;
    let before = world.backend.rows().await;
    let permit = world.permit::<CreateProfile>(&olive).await;
    let profiles = world.profiles();
    let outcomes = race(RUNNERS, |n| profiles.create(&permit, order(&format!("profile {n}")))).await;
    let kept = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let full = |outcome: &&Result<_, _>| matches!(outcome, Err(CreateProfileError::Full { kept: 25, limit: 25 }));
    assert_eq!((kept, outcomes.iter().filter(full).count()), (CAP, RUNNERS - CAP), "{outcomes:?}");
    let grown = i64::try_from(CAP).unwrap();
    let grown = rows([("profiles", grown), ("audit_entries", grown), ("account_keys", 1)]);
    assert_eq!(world.grown_since(&before).await, grown);
    assert_eq!(world.store.own_account(olive.id).await.unwrap().unwrap().profiles, 25);
    world.log(olive.id).await;
}

pub async fn one_name_goes_to_one_of_eight<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::ApiStarter).await;
    let permit = world.permit::<CreateProfile>(&olive).await;
    let profiles = world.profiles();
    let outcomes = race(8, |_| profiles.create(&permit, order("shop"))).await;
    let taken = |outcome: &&Result<_, _>| matches!(outcome, Err(CreateProfileError::NameTaken));
    assert_eq!(outcomes.iter().filter(taken).count(), 7, "{outcomes:?}");
    assert_eq!(world.store.own_account(olive.id).await.unwrap().unwrap().profiles, 1);
}

pub async fn a_lower_tier_deletes_nothing_and_the_highest_has_no_cap<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::Enterprise).await;
    for n in 0..12 {
        keep(&world, &olive, &format!("profile {n}")).await;
    }
    world.operator().set_tier(&olive.email, Tier::SoloManual).await.unwrap();
    let refused = world.profiles().create(&world.permit(&olive).await, order("one more")).await;
    assert!(matches!(refused, Err(CreateProfileError::Full { kept: 12, limit: 10 })), "{refused:?}");
    assert_eq!(world.store.own_account(olive.id).await.unwrap().unwrap().profiles, 12);
}

pub async fn a_profile_goes_when_nothing_runs_on_it<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (on(&world, "olive", Tier::SoloManual).await, world.person("bo").await);
    let described = ProfileOrder { description: Some("words".parse().unwrap()), ..order("shop") };
    let profile = world.profiles().create(&world.permit(&olive).await, described).await.unwrap();
    let session = world.sessions().create(&world.permit(&olive).await, launch(profile.id)).await.unwrap();
    assert_eq!(world.store.running_on(olive.id, profile.id).await.unwrap(), Some(session.id));
    assert_eq!(world.store.running_on(bo.id, profile.id).await.unwrap(), None);
    let refused = world.profiles().delete(&world.permit(&olive).await, profile.id).await;
    assert!(matches!(refused, Err(DeleteProfileError::InUse(id)) if id == session.id), "{refused:?}");
    // Decided before the session began.
    let before = world.backend.rows().await;
    let blind = forge::profile_deletion(&world.desk, &world.permit(&olive).await, profile.clone()).await;
    assert!(world.store.commit_profile_deletion(&blind).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    super::sessions::end(&world, &olive, session.id).await;
    world.profiles().delete(&world.permit(&olive).await, profile.id).await.unwrap();
    let gone = world.store.profile(olive.id, profile.id).await.unwrap().unwrap();
    assert_eq!((gone.deleted_at, gone.description, gone.metadata), (Some(world.now()), None, None));
    assert_eq!(world.store.own_account(olive.id).await.unwrap().unwrap().profiles, 0);
    world.profiles().delete(&world.permit(&olive).await, profile.id).await.unwrap();
    assert_eq!(world.actions(olive.id).await.iter().filter(|action| *action == "profile.deleted").count(), 1);
    let ended = world.store.session(olive.id, session.id).await.unwrap().unwrap();
    assert_eq!(ended.profile, Some(profile.id), "what it ran on stays told");
}

pub async fn a_profile_that_is_gone_cannot_be_moved<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::SoloManual).await;
    let profile = keep(&world, &olive, "shop").await;
    world.profiles().delete(&world.permit(&olive).await, profile.id).await.unwrap();
    let before = world.backend.rows().await;
    let update = forge::profile_update(&world.desk, &world.permit(&olive).await, profile.clone()).await;
    assert!(world.store.commit_profile_update(&update).await.unwrap_err().is_stale());
    let deletion = forge::profile_deletion(&world.desk, &world.permit(&olive).await, profile.clone()).await;
    assert!(world.store.commit_profile_deletion(&deletion).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    let launched = world.sessions().create(&world.permit(&olive).await, launch(profile.id)).await;
    assert!(matches!(launched, Err(CreateSessionError::NoProfile)));
}

pub async fn of_two_who_change_a_profile_at_once_neither_is_lost<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (on(&world, "olive", Tier::SoloManual).await, world.person("ada").await);
    world.join(&olive, &ada, Role::Admin).await;
    let profile = keep(&world, &olive, "shop").await;
    let run = async |n: usize| {
        let by = if n == 0 { &olive } else { &ada };
        let patch = if n == 0 {
            renamed("other")
        } else {
            ProfilePatch { description: Edit::Set("words".parse().unwrap()), ..ProfilePatch::default() }
        };
        let update =
            async |permit: Permit<UpdateProfile>| world.profiles().update(&permit, profile.id, patch.clone()).await;
        world.call(by.presented, Some(olive.id), update).await.unwrap();
    };
    race(2, run).await;
    let seen = world.store.profile(olive.id, profile.id).await.unwrap().unwrap();
    assert_eq!((seen.name.as_str(), seen.description.is_some()), ("other", true));
}

pub async fn of_a_launch_and_a_deletion_one_comes_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::ApiScale).await;
    for round in 0..8 {
        let profile = keep(&world, &olive, &format!("profile {round}")).await;
        let start = async |permit: Permit<CreateSession>| world.sessions().create(&permit, launch(profile.id)).await;
        let delete = async |permit: Permit<DeleteProfile>| world.profiles().delete(&permit, profile.id).await;
        let either = async |n: usize| {
            if n == 0 {
                match world.call(olive.presented, None, start).await {
                    Ok(_) => true,
                    Err(Attempt::Use(CreateSessionError::NoProfile)) => false,
                    Err(other) => panic!("{other:?}"),
                }
            } else {
                match world.call(olive.presented, None, delete).await {
                    Ok(()) => true,
                    Err(Attempt::Use(DeleteProfileError::InUse(_))) => false,
                    Err(other) => panic!("{other:?}"),
                }
            }
        };
        let outcomes = race(2, either).await;
        assert_ne!(outcomes[0], outcomes[1], "one of them, never both and never neither");
        let there = world.store.profile(olive.id, profile.id).await.unwrap().unwrap().is_there();
        assert_eq!(there, outcomes[0]);
    }
    world.log(olive.id).await;
}
