//! `ActivationStore`.

use driftstack_domain::{
    access::{Permit, Presented},
    account::AccountStatus,
    activation::{
        ACTIVATION_LIFE, Activation, ActivationStore as _, Activations, BindError, Bound, COLLECTION_LIFE, DeviceCode,
        DeviceState, Exchanged, Initiated,
    },
    api_key::ApiKeyStore as _,
    change::{CommitError, MaybeStale as _, again_if_stale},
    id::ActivationId,
    page::PageRequest,
    policy::action::{BindDevice, ListKeys, RevokeSession},
    secret::ApiKeySecret,
    testing::people,
};

use crate::{
    backend::Backend,
    forge,
    world::{Attempt, Person, World, pause, race, rows},
};

fn state() -> DeviceState {
    "0123456789abcdef".to_owned().try_into().unwrap()
}

fn activations<B: Backend>(world: &World<B>) -> Activations {
    Activations::new(world.store.clone(), world.desk.clone())
}

async fn begun<B: Backend>(world: &World<B>) -> Initiated {
    activations(world).initiate(&state(), Some(people::name("laptop"))).await.unwrap()
}

async fn bind<B: Backend>(world: &World<B>, by: &Person, it: &Initiated) -> Result<Bound, Attempt<BindError>> {
    let bind = async |permit: Permit<BindDevice>| activations(world).bind(&permit, &it.user_code).await;
    world.call(by.presented, None, bind).await
}

async fn exchange<B: Backend>(world: &World<B>, it: &Initiated) -> Exchanged {
    again_if_stale(async || activations(world).exchange(&it.code, &state()).await, pause).await.unwrap()
}

fn key(answer: Exchanged) -> ApiKeySecret {
    match answer {
        Exchanged::Bound { secret, .. } => secret,
        Exchanged::Pending | Exchanged::Expired => panic!("no key: {answer:?}"),
    }
}

async fn seen<B: Backend>(world: &World<B>, it: &Initiated) -> Option<Activation> {
    let seen = world.store.seen_activation(&it.code.digest_with(&state())).await.unwrap();
    seen.map(|seen| seen.activation)
}

pub async fn an_activation_is_read_as_it_was_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let it = begun(&world).await;
    let found = seen(&world, &it).await.unwrap();
    assert_eq!(found.client, people::name("laptop"));
    assert_eq!((found.created_at, found.expires_at), (world.now(), world.now().plus(ACTIVATION_LIFE)));
    assert_eq!(world.store.unbound_activation(&it.user_code.digest()).await.unwrap(), Some(found));
    let elsewhere = "fedcba9876543210".to_owned().try_into().unwrap();
    assert_eq!(world.store.seen_activation(&it.code.digest_with(&elsewhere)).await.unwrap(), None);
    let guessed = DeviceCode::parse("guessed").unwrap();
    assert_eq!(world.store.seen_activation(&guessed.digest_with(&state())).await.unwrap(), None);
}

pub async fn a_user_code_is_that_of_one_device<B: Backend>(backend: B) {
    let world = World::new(backend);
    let it = begun(&world).await;
    let first = seen(&world, &it).await.unwrap();
    let before = world.backend.rows().await;
    let second = Activation { id: ActivationId::new(people::uuid(7)), device: first.user_code, ..first };
    assert!(matches!(world.store.begin_activation(&second).await, Err(CommitError::Stale)));
    assert_eq!(world.backend.rows().await, before);
}

pub async fn a_bound_device_gets_a_key_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let it = begun(&world).await;
    assert!(matches!(exchange(&world, &it).await, Exchanged::Pending));
    bind(&world, &olive, &it).await.unwrap();
    let before = world.backend.rows().await;
    assert_eq!(seen(&world, &it).await.unwrap().expires_at, world.now().plus(COLLECTION_LIFE));
    let key = key(exchange(&world, &it).await);
    let grown = [("activations", -1), ("api_keys", 1), ("audit_entries", 1)];
    assert_eq!(world.grown_since(&before).await, rows(grown));
    assert_eq!(world.actions(olive.id).await[2..], ["api_key.device_bound", "api_key.minted"]);
    let admitted = world.doorkeeper().admit::<ListKeys>(&Presented::Key(key.digest()), None).await.unwrap();
    assert_eq!(admitted.workspace(), olive.id);
    let kept = world.store.keys(olive.id, PageRequest::default()).await.unwrap().rows.remove(0);
    assert_eq!((kept.name, kept.minted_by), (people::name("laptop"), olive.id));
    assert!(matches!(exchange(&world, &it).await, Exchanged::Expired));
}

pub async fn a_device_that_does_not_come_back_leaves_no_key<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let it = begun(&world).await;
    bind(&world, &olive, &it).await.unwrap();
    world.clock.advance(COLLECTION_LIFE);
    assert!(matches!(exchange(&world, &it).await, Exchanged::Expired));
    assert!(world.store.keys(olive.id, PageRequest::default()).await.unwrap().rows.is_empty());
}

pub async fn whoever_signs_out_takes_the_binding_back<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let (one, two) = (begun(&world).await, begun(&world).await);
    let elsewhere = world.sign_in(&olive).await;
    bind(&world, &olive, &one).await.unwrap();
    bind(&world, &elsewhere, &two).await.unwrap();
    let by: Permit<RevokeSession> = world.permit(&elsewhere).await;
    world.web_sessions().revoke(&by, olive.session()).await.unwrap();
    assert!(matches!(exchange(&world, &one).await, Exchanged::Expired));
    world.backend.set_status(olive.id, AccountStatus::Suspended).await;
    assert!(matches!(exchange(&world, &two).await, Exchanged::Expired));
    world.backend.set_status(olive.id, AccountStatus::Active).await;
    key(exchange(&world, &two).await);
}

pub async fn of_many_who_type_one_code_one_has_the_device<B: Backend>(backend: B) {
    let world = World::new(backend);
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(world.person(&format!("runner{n}")).await);
    }
    let it = begun(&world).await;
    let before = world.backend.rows().await;
    let outcomes = race(people.len(), |n| bind(&world, &people[n], &it)).await;
    let refused = |outcome: &&Result<_, _>| matches!(outcome, Err(Attempt::Use(BindError::NoSuchDevice)));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(refused).count(), people.len() - 1, "{outcomes:?}");
    assert_eq!(world.grown_since(&before).await, rows([("account_keys", 1), ("audit_entries", 1)]));
    let Exchanged::Bound { account, .. } = exchange(&world, &it).await else { panic!("it is bound") };
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    assert_eq!(account, people[winner].id);
}

pub async fn of_many_who_ask_at_once_one_gets_the_key<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let it = begun(&world).await;
    bind(&world, &olive, &it).await.unwrap();
    let before = world.backend.rows().await;
    let outcomes = race(16, |_| exchange(&world, &it)).await;
    let got = outcomes.iter().filter(|outcome| matches!(outcome, Exchanged::Bound { .. })).count();
    let late = outcomes.iter().filter(|outcome| matches!(outcome, Exchanged::Expired)).count();
    assert_eq!((got, late), (1, 15), "{outcomes:?}");
    let grown = [("activations", -1), ("api_keys", 1), ("audit_entries", 1)];
    assert_eq!(world.grown_since(&before).await, rows(grown));
}

pub async fn what_is_bound_or_gone_cannot_be_moved<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let it = begun(&world).await;
    let unbound = seen(&world, &it).await.unwrap();
    bind(&world, &olive, &it).await.unwrap();
    let before = world.backend.rows().await;
    let binding = forge::binding(&world.desk, &world.permit(&bo).await, &it.user_code, unbound.clone()).await;
    assert!(world.store.commit_binding(&binding).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    let mut bound = world.store.seen_activation(&it.code.digest_with(&state())).await.unwrap().unwrap();
    key(exchange(&world, &it).await);
    let before = world.backend.rows().await;
    bound.binder.as_mut().unwrap().revision = world.permit::<BindDevice>(&olive).await.access().account_revision;
    let handover = forge::handover(&world.desk, bound).await;
    assert!(world.store.commit_handover(&handover).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
}

pub async fn what_is_over_is_forgotten<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let (_one, _two) = (begun(&world).await, begun(&world).await);
    world.clock.advance(ACTIVATION_LIFE.saturating_sub(COLLECTION_LIFE / 2));
    let (bound, fresh) = (begun(&world).await, begun(&world).await);
    bind(&world, &olive, &bound).await.unwrap();
    world.clock.advance(COLLECTION_LIFE);
    let forget = async || world.store.forget_activations(world.now(), 2).await.unwrap();
    assert_eq!([forget().await, forget().await, forget().await], [2, 1, 0]);
    assert!(seen(&world, &fresh).await.is_some() && seen(&world, &bound).await.is_none());
    assert!(!activations(&world).sweep().await.unwrap());
}
