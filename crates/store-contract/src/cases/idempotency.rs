//! `IdempotencyStore`, and answers that are committed with what they tell of.

use std::time::Duration;

use driftstack_domain::{
    access::Permit,
    api_key::{ApiKeyStore as _, MintError, Minted},
    change::MaybeStale as _,
    idempotency::{Claim, ClaimError, Claimed, Creation, IdempotencyStore as _, LEASE, SeenClaim},
    page::PageRequest,
    policy::{Operation, Role, action::MintKey},
    profile::ProfileOrder,
    secret::Digest,
    session::SessionOrder,
    testing::people,
    time::DAY,
    webhook::{EndpointOrder, EventType},
};

use crate::{
    backend::Backend,
    world::{Person, World, order, pause, race, rows},
};

fn request() -> Digest {
    Digest::of("{}")
}

/// What is answered to whoever has minted a key.
fn tell(minted: &Minted) -> Vec<u8> {
    minted.secret.expose().as_bytes().to_vec()
}

async fn claim<B: Backend, A: Operation>(world: &World<B>, by: &Permit<A>) -> Result<Claimed, ClaimError> {
    world.idempotency().claim(by, &"nightly".parse().unwrap(), request()).await
}

async fn claimed<B: Backend, A: Operation>(world: &World<B>, by: &Permit<A>) -> Claim {
    match claim(world, by).await.unwrap() {
        Claimed::Mine(claim) => claim,
        Claimed::Answered(_) => panic!("the slot was free"),
    }
}

async fn mint<B: Backend>(world: &World<B>, by: &Permit<MintKey>, claim: &Claim) -> Result<Minted, MintError> {
    world.keys().mint(Creation::claimed(by, claim, &tell), order("ci")).await
}

async fn keys<B: Backend>(world: &World<B>, of: &Person) -> usize {
    world.store.keys(of.id, PageRequest::default()).await.unwrap().rows.len()
}

pub async fn a_slot_is_claimed_by_one_alone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let hers = claimed::<_, MintKey>(&world, &world.permit(&olive).await).await;
    claimed::<_, MintKey>(&world, &world.permit(&bo).await).await;
    let seen = Some(SeenClaim { request: request(), answer: None });
    assert_eq!(world.store.claim(&hers).await.unwrap(), seen);
    let again = claim::<_, MintKey>(&world, &world.permit(&olive).await).await;
    assert!(matches!(again, Err(ClaimError::InProgress)), "{again:?}");
}

pub async fn a_claim_is_given_up_by_its_holder_alone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let permit: Permit<MintKey> = world.permit(&olive).await;
    let lost = claimed(&world, &permit).await;
    world.idempotency().give_up(&lost).await.unwrap();
    let held = claimed(&world, &permit).await;
    world.idempotency().give_up(&lost).await.unwrap();
    assert!(matches!(claim(&world, &permit).await, Err(ClaimError::InProgress)));
    let minted = mint(&world, &permit, &held).await.unwrap();
    world.idempotency().give_up(&held).await.unwrap();
    let again = claim(&world, &permit).await;
    assert!(matches!(again, Ok(Claimed::Answered(answer)) if answer == tell(&minted)));
}

pub async fn an_abandoned_claim_is_taken_over_after_its_lease<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let permit: Permit<MintKey> = world.permit(&olive).await;
    claimed(&world, &permit).await;
    world.clock.advance(LEASE.saturating_sub(Duration::from_millis(1)));
    assert!(matches!(claim(&world, &permit).await, Err(ClaimError::InProgress)));
    world.clock.advance(Duration::from_millis(1));
    // Nothing came of the first, so the second may ask for something else.
    let other = world.idempotency().claim(&permit, &"nightly".parse().unwrap(), Digest::of("{ }")).await.unwrap();
    let Claimed::Mine(other) = other else { panic!("nothing was answered") };
    mint(&world, &permit, &other).await.unwrap();
    world.clock.advance(LEASE);
    assert!(matches!(claim(&world, &permit).await, Err(ClaimError::OtherRequest)), "an answer needs no lease");
}

pub async fn an_answer_is_kept_with_the_change_or_not_at_all<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let old: Permit<MintKey> = world.permit(&olive).await;
    let held = claimed(&world, &old).await;
    world.sign_in(&olive).await;
    let before = world.backend.rows().await;
    assert!(mint(&world, &old, &held).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    assert_eq!(world.store.claim(&held).await.unwrap(), Some(SeenClaim { request: request(), answer: None }));
    let minted = mint(&world, &world.permit(&olive).await, &held).await.unwrap();
    assert_eq!(world.grown_since(&before).await, rows([("account_keys", 1), ("api_keys", 1), ("audit_entries", 1)]));
    let again = claim(&world, &world.permit::<MintKey>(&olive).await).await;
    assert!(matches!(again, Ok(Claimed::Answered(answer)) if answer == tell(&minted)));
}

pub async fn nothing_is_changed_for_a_claim_that_is_lost<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let permit: Permit<MintKey> = world.permit(&olive).await;
    let lost = claimed(&world, &permit).await;
    world.clock.advance(LEASE);
    let held = claimed(&world, &permit).await;
    let before = world.backend.rows().await;
    assert!(mint(&world, &permit, &lost).await.unwrap_err().is_stale(), "somebody else holds it");
    assert_eq!(world.backend.rows().await, before);
    mint(&world, &permit, &held).await.unwrap();
    let before = world.backend.rows().await;
    let again = mint(&world, &world.permit(&olive).await, &held).await;
    assert!(again.unwrap_err().is_stale(), "it was answered");
    world.clock.advance(DAY);
    while world.idempotency().sweep().await.unwrap() {}
    assert!(mint(&world, &world.permit(&olive).await, &held).await.unwrap_err().is_stale(), "it is forgotten");
    assert_eq!(world.grown_since(&before).await, rows([("idempotency", -1)]));
}

pub async fn every_creation_keeps_its_answer<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let key = world.mint(&olive, &olive, "ci").await.key.id;
    macro_rules! assert_kept {
        ($($by:ident: $make:expr;)+) => {
            $({
                let by = world.permit(&$by).await;
                let held = claimed(&world, &by).await;
                $make(Creation::claimed(&by, &held, &|_| b"done".to_vec())).await.unwrap();
                let again = claim(&world, &by).await;
                assert!(matches!(&again, Ok(Claimed::Answered(answer)) if answer == b"done"), stringify!($make));
            })+
        };
    }
    let invite = world.invites().invite(&world.permit(&olive).await, ada.email.clone(), Role::Member).await.unwrap();
    let shop = ProfileOrder { name: people::name("shop"), archetype: None, description: None, metadata: None };
    assert_kept! {
        olive: async |by| world.keys().mint(by, order("another")).await.map(drop);
        olive: async |by| world.keys().rotate(by, key, None).await.map(drop);
        olive: async |by| world.invites().invite(by, people::email("bo@example.com"), Role::Member).await.map(drop);
        olive: async |by| world.invites().resend(by, invite.id).await.map(drop);
        olive: async |by| world.sessions().create(by, SessionOrder::default()).await.map(drop);
        olive: async |by| world.profiles().create(by, shop.clone()).await.map(drop);
    }
    let endpoint = || EndpointOrder {
        url: "https://hooks.example.com/".to_owned(),
        events: vec![EventType::KeyRevoked],
        description: None,
    };
    let made = world.webhooks().create(&world.permit(&olive).await, endpoint()).await.unwrap().endpoint.id;
    assert_kept! {
        olive: async |by| world.webhooks().create(by, endpoint()).await.map(drop);
        olive: async |by| world.webhooks().rotate_secret(by, made).await.map(drop);
        olive: async |by| world.webhooks().test(by, made).await.map(drop);
    }
    let token = world.mailed_token(&ada.email).await;
    assert_kept! {
        ada: async |by| world.invites().accept(by, &token).await.map(drop);
    }
}

pub async fn what_has_expired_is_forgotten_in_batches<B: Backend>(backend: B) {
    let world = World::new(backend);
    let mut permits = Vec::new();
    for name in ["olive", "ada", "bo"] {
        permits.push(world.permit::<MintKey>(&world.person(name).await).await);
        claimed(&world, &permits[permits.len() - 1]).await;
    }
    world.clock.advance(DAY);
    claimed(&world, &permits[2]).await;
    let before = world.backend.rows().await;
    let forget = async || world.store.forget_answers(world.now(), 1).await.unwrap();
    assert_eq!([forget().await, forget().await, forget().await], [1, 1, 0]);
    assert_eq!(world.grown_since(&before).await, rows([("idempotency", -2)]));
    assert!(!world.idempotency().sweep().await.unwrap());
    assert!(matches!(claim(&world, &permits[2]).await, Err(ClaimError::InProgress)), "it was claimed anew");
}

pub async fn an_expired_answer_is_not_given_again<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let permit: Permit<MintKey> = world.permit(&olive).await;
    mint(&world, &permit, &claimed(&world, &permit).await).await.unwrap();
    world.clock.advance(DAY);
    let permit: Permit<MintKey> = world.permit(&olive).await;
    mint(&world, &permit, &claimed(&world, &permit).await).await.unwrap();
    assert_eq!(keys(&world, &olive).await, 2);
}

pub async fn of_sixteen_who_repeat_each_other_one_creates<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let before = world.backend.rows().await;
    let run = async || {
        let permit: Permit<MintKey> = world.permit(&olive).await;
        match claim(&world, &permit).await {
            Ok(Claimed::Mine(held)) => Some(tell(&mint(&world, &permit, &held).await.unwrap())),
            Ok(Claimed::Answered(answer)) => Some(answer),
            Err(ClaimError::InProgress) => None,
            Err(other) => panic!("{other}"),
        }
    };
    let answers: Vec<_> = race(16, |_| run()).await.into_iter().flatten().collect();
    assert!(!answers.is_empty() && answers.iter().all(|answer| *answer == answers[0]));
    let once = [("account_keys", 1), ("api_keys", 1), ("audit_entries", 1), ("idempotency", 1)];
    assert_eq!(world.grown_since(&before).await, rows(once));
    assert_eq!(run().await.as_ref(), answers.first());
}

/// A holder that was slow and whoever took its place run at once.
pub async fn a_holder_and_its_successor_make_one_change<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for round in 1..=8 {
        let permit: Permit<MintKey> = world.permit(&olive).await;
        let slow = claimed(&world, &permit).await;
        world.clock.advance(LEASE);
        let either = async |n| {
            let held = if n == 0 {
                slow.clone()
            } else {
                match claim(&world, &permit).await.unwrap() {
                    Claimed::Mine(held) => held,
                    Claimed::Answered(_) => return false,
                }
            };
            for tries in 1..=3 {
                match mint(&world, &world.permit(&olive).await, &held).await {
                    Ok(_) => return true,
                    Err(error) => assert!(error.is_stale(), "{error}"),
                }
                pause(tries).await;
            }
            false
        };
        let outcomes = race(2, either).await;
        assert_eq!(outcomes.iter().filter(|minted| **minted).count(), 1);
        assert_eq!(keys(&world, &olive).await, round);
        world.clock.advance(DAY);
    }
}
