//! `Bell`, and what its listeners read.

use std::{sync::Arc, time::Duration};

use driftstack_domain::{
    account::{AccountStore as _, Edit, ProfileEdit},
    audit::AuditEntry,
    notify::{Bell as _, Ear, Following},
    testing::people,
};
use tokio::time::timeout;

use crate::{
    backend::Backend,
    world::{Person, World, race},
};

const SOON: Duration = Duration::from_secs(5);
/// Long enough for a ring to arrive that should not.
const A_WHILE: Duration = Duration::from_millis(300);

async fn rings(ear: &mut Box<dyn Ear>, within: Duration) -> bool {
    timeout(within, ear.heard()).await.is_ok()
}

/// What rings while a store begins to listen is for nothing.
async fn until_it_is_quiet(ear: &mut Box<dyn Ear>) {
    while rings(ear, A_WHILE).await {}
}

pub async fn a_severe_entry_rings_for_its_account_alone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let (mut olives, mut adas) = (world.store.listen(olive.id), world.store.listen(ada.id));
    until_it_is_quiet(&mut olives).await;
    until_it_is_quiet(&mut adas).await;
    world.mint(&olive, &olive, "ci").await;
    assert!(rings(&mut olives, SOON).await);
    assert!(!rings(&mut adas, A_WHILE).await, "it is on the log of another");
    until_it_is_quiet(&mut olives).await;
    world.log_in(&olive.email).await;
    assert!(!rings(&mut olives, A_WHILE).await, "a sign-in is nothing to be woken for");
}

pub async fn what_is_not_committed_does_not_ring<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let key = world.mint(&olive, &olive, "ci").await.key;
    let old = world.permit(&olive).await;
    let edit = ProfileEdit { name: Edit::Set(people::name("Olive")), ..ProfileEdit::default() };
    world.accounts().edit(&world.permit(&olive).await, edit).await.unwrap();
    let mut ear = world.store.listen(olive.id);
    until_it_is_quiet(&mut ear).await;
    assert!(world.keys().revoke(&old, key.id).await.is_err(), "it is stale");
    assert!(!rings(&mut ear, A_WHILE).await);
    assert!(world.store.own_account(olive.id).await.unwrap().is_some());
}

/// The numbers of what a follower is told until there are so many.
async fn told<B: Backend>(world: &World<B>, who: &Person, following: &mut Following, wanted: usize) -> Vec<i64> {
    let mut numbers = Vec::new();
    while numbers.len() < wanted {
        match following.look().await.unwrap() {
            Some(news) => {
                let told = following.tell(news, &world.permit(who).await);
                numbers.extend(told.iter().map(|entry| entry.seq));
            }
            None => timeout(SOON, following.heard()).await.expect("it is rung for what is new"),
        }
    }
    numbers
}

pub async fn a_follower_is_told_everything_once_while_many_write<B: Backend>(backend: B) {
    const WRITERS: usize = 4;
    const KEYS: usize = 10;
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let mut following = world.notifications().follow(&world.permit(&olive).await, None).await.unwrap();
    let (there, who) = (Arc::clone(&world), olive.clone());
    let follower = tokio::spawn(async move { told(&there, &who, &mut following, WRITERS * KEYS).await });
    let writer = async |_| {
        for n in 0..KEYS {
            let mint = async |by| world.keys().mint(&by, crate::world::order(&format!("key {n}"))).await;
            world.call(olive.presented, None, mint).await.unwrap();
        }
    };
    race(WRITERS, writer).await;
    let log = world.log(olive.id).await;
    let severe: Vec<_> = log.iter().filter(|entry| entry.is_severe()).map(|entry: &AuditEntry| entry.seq).collect();
    assert_eq!(follower.await.unwrap(), severe);
}
