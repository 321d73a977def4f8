//! `LinkStore`.

use std::time::Duration;

use driftstack_domain::{
    access::CallerStore as _,
    auth::{LinkKind, LinkRequest, LinkStore as _, SignInStore as _},
    change::MaybeStale as _,
    email::Email,
    id::LinkId,
    secret::LinkToken,
    testing::people,
};
use tokio::time::timeout;

use crate::{
    backend::Backend,
    forge,
    world::{World, agent, password, rows},
};

/// Somebody who has not followed the link yet.
async fn unverified<B: Backend>(world: &World<B>) -> (Email, LinkToken) {
    let email = people::email("ada@example.com");
    world.sign_ups().sign_up(email.clone(), &password(), None).await.unwrap();
    let token = world.mailed_token(&email).await;
    (email, token)
}

async fn spent<B: Backend>(world: &World<B>, token: &LinkToken) -> bool {
    world.store.seen_link(&token.digest()).await.unwrap().unwrap().spent
}

pub async fn a_request_does_not_depend_on_an_account<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (known, _) = unverified(&world).await;
    for email in [known, people::email("nobody@example.com")] {
        let before = world.backend.rows().await;
        world.clerk().ask(LinkKind::Verification, email).await.unwrap();
        assert_eq!(world.grown_since(&before).await, rows([("link_requests", 1)]));
    }
}

pub async fn requests_are_served_oldest_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    let addresses = ["c@example.com", "a@example.com", "b@example.com"].map(people::email);
    for email in addresses.clone() {
        world.clerk().ask(LinkKind::Verification, email).await.unwrap();
    }
    let asked = async |limit| world.store.asked(limit).await.unwrap();
    assert_eq!(asked(2).await.into_iter().map(|it| it.email).collect::<Vec<_>>(), addresses[..2]);
    let oldest = asked(1).await.remove(0);
    assert_eq!(oldest.at, world.now());
    world.store.forget(&oldest).await.unwrap();
    world.store.forget(&oldest).await.unwrap();
    assert_eq!(asked(9).await.into_iter().map(|it| it.email).collect::<Vec<_>>(), addresses[1..]);
    // Nobody has an account, so all of it comes to nothing.
    assert_eq!(world.clerk().round().await.unwrap(), 2);
    assert!(asked(9).await.is_empty());
    assert!(world.post().await.is_empty());
}

pub async fn a_new_link_voids_the_older_ones_and_moves_no_revision<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (email, first) = unverified(&world).await;
    let before = world.store.seen_sign_in(&email).await.unwrap().unwrap();
    world.clerk().ask(LinkKind::Verification, email.clone()).await.unwrap();
    world.clerk().round().await.unwrap();
    let second = world.mailed_token(&email).await;
    assert!(spent(&world, &first).await && !spent(&world, &second).await);
    assert_eq!(world.store.seen_sign_in(&email).await.unwrap().unwrap().revision, before.revision);
    assert_eq!(world.actions(before.account).await, ["account.created"]);
    assert!(world.sign_ins().verify(&first, agent()).await.is_err());
    assert!(world.sign_ins().verify(&second, agent()).await.is_ok());
}

pub async fn a_link_of_another_kind_is_left_alone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let mut tokens = Vec::new();
    for kind in [LinkKind::MagicLink, LinkKind::PasswordReset, LinkKind::MagicLink] {
        tokens.push(world.link(kind, &olive.email).await);
    }
    let mut spent_ones = Vec::new();
    for token in &tokens {
        spent_ones.push(spent(&world, token).await);
    }
    assert_eq!(spent_ones, [true, false, false]);
}

pub async fn a_request_is_served_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (email, first) = unverified(&world).await;
    let request = LinkRequest {
        id: LinkId::new(people::uuid(1)),
        kind: LinkKind::Verification,
        email: email.clone(),
        account: None,
        at: world.now(),
    };
    let seen = world.store.seen_sign_in(&email).await.unwrap().unwrap();
    let renewal = forge::link_renewal(&world.desk, request, seen).await;
    let before = world.backend.rows().await;
    assert!(world.store.commit_link(&renewal).await.unwrap_err().is_stale(), "nobody has asked");
    assert_eq!(world.backend.rows().await, before);
    assert!(!spent(&world, &first).await);
}

pub async fn asking_wakes_the_clerk<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    // Whatever was there to wake somebody is heard now.
    world.store.wanted().await;
    world.clerk().ask(LinkKind::Verification, olive.email.clone()).await.unwrap();
    assert!(timeout(Duration::from_millis(500), world.store.wanted()).await.is_ok());
    assert!(world.store.seen_caller(&olive.presented, None).await.unwrap().is_some());
}
