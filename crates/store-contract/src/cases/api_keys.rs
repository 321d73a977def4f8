//! `ApiKeyStore`.

use driftstack_domain::{
    api_key::{ApiKey, ApiKeyStore as _, KeyOrder, MintError, ROTATION_GRACE},
    change::MaybeStale as _,
    id::ApiKeyId,
    page::{Limit, PageRequest},
    policy::{Role, Scope, ScopeSet},
    testing::people,
    time::DAY,
};

use crate::{
    backend::Backend,
    forge,
    world::{World, order},
};

pub async fn a_key_is_read_as_it_was_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let order = KeyOrder {
        name: people::name("ci – nightly"),
        scopes: ScopeSet::of(&[Scope::Write, Scope::ReadAudit, Scope::AdminApiKeys]),
        expires_at: Some(world.now().plus(DAY)),
    };
    let minted = world.keys().mint(&world.permit(&olive).await, order).await.unwrap();
    assert_eq!(world.store.seen_key(olive.id, minted.key.id).await.unwrap(), Some(minted.key));
    assert_eq!(world.actions(olive.id).await, ["account.created", "account.login", "api_key.minted"]);
}

pub async fn keys_are_listed_newest_first_whatever_their_state<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(world.mint(&olive, &olive, &format!("key {n}")).await.key.id);
    }
    world.mint(&bo, &bo, "another account's").await;
    world.keys().revoke(&world.permit(&olive).await, ids[3]).await.unwrap();
    ids.reverse();
    let page = PageRequest { limit: Limit::new(2).unwrap(), after: None };
    let first = world.store.keys(olive.id, page).await.unwrap();
    // A key that comes and one that goes between two pages move nothing across.
    let newer = world.mint(&olive, &olive, "newer").await.key.id;
    world.keys().revoke(&world.permit(&olive).await, ids[2]).await.unwrap();
    let second = world.store.keys(olive.id, PageRequest { after: first.next, ..page }).await.unwrap();
    let third = world.store.keys(olive.id, PageRequest { after: second.next, ..page }).await.unwrap();
    let pages = [&first, &second, &third].map(|page| shown(&page.rows));
    assert_eq!(pages.concat(), ids);
    assert_eq!(third.next, None);
    assert_eq!(shown(&world.store.keys(olive.id, page).await.unwrap().rows), [newer, ids[0]]);
}

fn shown(keys: &[ApiKey]) -> Vec<ApiKeyId> {
    keys.iter().map(|key| key.id).collect()
}

pub async fn a_key_of_another_account_is_not_seen<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let minted = world.mint(&olive, &olive, "ci").await;
    assert_eq!(world.store.seen_key(bo.id, minted.key.id).await.unwrap(), None);
}

pub async fn a_rotation_shortens_the_old_key_and_stores_the_successor<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    world.join(&olive, &ada, Role::Admin).await;
    let old = world.mint(&olive, &olive, "ci").await.key;
    let rotated = world.keys().rotate(&world.permit_on(&ada, &olive).await, old.id, None).await.unwrap();
    let seen = world.store.seen_key(olive.id, old.id).await.unwrap().unwrap();
    assert_eq!(seen.expires_at, Some(world.now().plus(ROTATION_GRACE)));
    let successor = world.store.seen_key(olive.id, rotated.key.id).await.unwrap().unwrap();
    assert_eq!(successor, rotated.key);
    assert_eq!(successor.minted_by, ada.id);
}

pub async fn there_may_be_a_thousand_keys<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let mint = async || world.keys().mint(&world.permit(&olive).await, order("ci")).await;
    let first = mint().await.unwrap().key;
    for _ in 1..1000 {
        mint().await.unwrap();
    }
    assert!(matches!(mint().await, Err(MintError::Full { held: 1000 })));
    // A successor takes the place of the key that it follows.
    let rotated = world.keys().rotate(&world.permit(&olive).await, first.id, None).await;
    assert!(rotated.is_ok());
    assert!(matches!(mint().await, Err(MintError::Full { held: 1001 })));
    world.clock.advance(ROTATION_GRACE);
    assert!(matches!(mint().await, Err(MintError::Full { held: 1000 })), "one that has expired does not count");
    world.keys().revoke(&world.permit(&olive).await, rotated.unwrap().key.id).await.unwrap();
    mint().await.unwrap();
}

pub async fn a_key_that_is_revoked_is_neither_rotated_nor_revoked_again<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let unrevoked = world.keys().mint(&world.permit(&olive).await, order("ci")).await.unwrap().key;
    world.keys().revoke(&world.permit(&olive).await, unrevoked.id).await.unwrap();
    let revoked = world.store.seen_key(olive.id, unrevoked.id).await.unwrap();
    assert_eq!(revoked.as_ref().unwrap().revoked_at, Some(world.now()));
    let before = world.backend.rows().await;
    let rotation = forge::rotation(&world.desk, &world.permit(&olive).await, unrevoked.clone()).await;
    assert!(world.store.commit_rotation(&rotation).await.unwrap_err().is_stale());
    let revocation = forge::key_revocation(&world.desk, &world.permit(&olive).await, unrevoked.clone()).await;
    assert!(world.store.commit_key_revocation(&revocation).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    assert_eq!(world.store.seen_key(olive.id, unrevoked.id).await.unwrap(), revoked);
}
