//! The key of an account, under which its log says something of people.

use std::{collections::BTreeSet, sync::Arc};

use driftstack_domain::{
    audit::AuditStore as _,
    policy::Role,
    secret::{Digest, OwnKey, Sealed, UnsealError, Vault},
    testing::GlassVault,
};

use super::{delete, grace_is_over};
use crate::{
    backend::Backend,
    world::{Person, World, order, race},
};

pub async fn what_a_log_says_of_people_is_told_until_the_purge<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    world.invites().invite(&world.permit(&olive).await, ada.email.clone(), Role::Admin).await.unwrap();
    let told = async || world.told(olive.id).await.into_iter().nth(2).unwrap();
    let entry = told().await;
    let payload = entry.payload.unwrap();
    assert_eq!((&payload["invitee_email"], &payload["role"]), (&ada.email.as_str().into(), &"admin".into()));
    let entries = world.backend.dump().await["audit_entries"].join("\n").to_lowercase();
    assert!(!entries.contains("ada@") && !entries.contains("616461406578616d706c65"), "{entries}");
    assert!(entries.contains("member_invited") && entries.contains("invitee_email"), "it is the right table");
    delete(&world, &olive).await;
    assert!(told().await.personal.unwrap()["invitee_email"].salt.is_some(), "not before the purge");
    grace_is_over(&world).await;
    let erased = told().await;
    assert_eq!(erased.payload.unwrap()["invitee_email"], serde_json::Value::Null);
    assert_eq!(erased.hash, entry.hash);
    assert!(world.store.own_keys(olive.id).await.unwrap().is_empty());
}

pub async fn a_log_has_one_key<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    assert!(world.store.own_keys(olive.id).await.unwrap().is_empty(), "none before it says something of somebody");
    world.mint(&olive, &olive, "first").await;
    let key = world.store.own_keys(olive.id).await.unwrap();
    assert_eq!(key.len(), 1);
    let mint = async |n: usize| {
        let mint = async |permit| world.keys().mint(&permit, order(&format!("key {n}"))).await;
        world.call(ada.presented, None, mint).await.map(drop)
    };
    for minted in race(4, mint).await {
        minted.unwrap();
    }
    world.mint(&olive, &olive, "second").await;
    assert_eq!(world.store.own_keys(olive.id).await.unwrap(), key);
    assert_eq!(world.backend.rows().await["account_keys"], 2);
    let names = async |who: &Person| {
        let minted = world.told(who.id).await.into_iter().filter(|entry| entry.action == "api_key.minted");
        minted.map(|entry| entry.payload.unwrap()["name"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&olive).await, ["first", "second"].map(str::to_owned).into());
    assert_eq!(names(&ada).await, ["key 0", "key 1", "key 2", "key 3"].map(str::to_owned).into());
}

pub async fn a_key_that_the_vault_has_lost_keeps_nobody_from_the_log<B: Backend>(backend: B) {
    let mut world = World::new(backend);
    let olive = world.person("olive").await;
    world.mint(&olive, &olive, "before").await;
    let names = async |world: &World<B>| {
        let minted = world.told(olive.id).await.into_iter().filter(|entry| entry.action == "api_key.minted");
        minted.map(|entry| entry.payload.unwrap()["name"].clone()).collect::<Vec<_>>()
    };
    let had = std::mem::replace(&mut Arc::get_mut(&mut world).unwrap().desk.vault, Arc::new(AnotherVault));
    assert_eq!(names(&*world).await, [serde_json::Value::Null]);
    world.mint(&olive, &olive, "after").await;
    world.mint(&olive, &olive, "later").await;
    assert_eq!(world.store.own_keys(olive.id).await.unwrap().len(), 2, "one more, and not one for each");
    assert_eq!(names(&*world).await, [serde_json::Value::Null, "after".into(), "later".into()]);
    Arc::get_mut(&mut world).unwrap().desk.vault = had;
    assert_eq!(names(&*world).await[0], "before", "what was found again opens again");
}

/// A vault that knows nothing of what the other one has sealed.
struct AnotherVault;

impl Vault for AnotherVault {
    fn seal(&self, context: &str, plain: &[u8]) -> Sealed {
        GlassVault.seal(&format!("another {context}"), plain)
    }

    fn unseal(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError> {
        GlassVault.unseal(&format!("another {context}"), sealed)
    }

    fn own_key(&self, context: &str) -> OwnKey {
        OwnKey { context: context.to_owned(), sealed: self.seal(context, context.as_bytes()) }
    }

    fn seal_under(&self, key: &OwnKey, context: &str, plain: &[u8]) -> Result<Sealed, UnsealError> {
        GlassVault.seal_under(&OwnKey { context: format!("another {}", key.context), ..key.clone() }, context, plain)
    }

    fn unseal_under(&self, key: &OwnKey, context: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError> {
        GlassVault.unseal_under(&OwnKey { context: format!("another {}", key.context), ..key.clone() }, context, sealed)
    }

    fn fingerprint(&self, context: &str, plain: &[u8]) -> Digest {
        GlassVault.fingerprint(context, plain)
    }

    fn recognises(&self, context: &str, plain: &[u8], fingerprint: &Digest) -> bool {
        GlassVault.recognises(context, plain, fingerprint)
    }
}
