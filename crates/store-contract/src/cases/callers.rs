//! `CallerStore`.

use driftstack_domain::{
    access::{CallerStore as _, Credential, Presented, SeenCaller, SeenCredential, SeenMinter, SeenWorkspace},
    account::AccountStatus,
    api_key::{KeyOrder, Minted},
    id::{AccountId, WebSessionId},
    policy::{Role, Scope, ScopeSet},
    secret::Digest,
    testing::people,
    tier::{Overrides, Tier},
    time::{HOUR, MINUTE, Timestamp},
};

use crate::{
    backend::Backend,
    world::{World, order, presented},
};

async fn seen<B: Backend>(world: &World<B>, presented: &Presented, wanted: Option<AccountId>) -> SeenCaller {
    world.store.seen_caller(presented, wanted).await.unwrap().unwrap()
}

fn key(minted: &Minted) -> Presented {
    Presented::Key(minted.secret.digest())
}

fn minter(caller: &SeenCaller) -> Option<SeenMinter> {
    match &caller.credential {
        SeenCredential::Key { minter, .. } => *minter,
        SeenCredential::Session { .. } => panic!("a session where a key was shown"),
    }
}

pub async fn a_key_is_seen_with_its_account<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let expires_at = Some(world.now().plus(HOUR));
    let scopes = ScopeSet::of(&[Scope::Read, Scope::GuiControl]);
    let wanted = KeyOrder { scopes, expires_at, ..order("ci") };
    let minted = world.keys().mint(&world.permit(&olive).await, wanted).await.unwrap();
    let caller = seen(&world, &key(&minted), None).await;
    assert_eq!(
        caller.credential,
        SeenCredential::Key {
            id: minted.key.id,
            scopes,
            expires_at,
            revoked_at: None,
            minted_by: olive.id,
            minter: None,
        }
    );
    let facts = (caller.account, caller.status, caller.tier, caller.staff, caller.revision.0, caller.last_used_at);
    assert_eq!(facts, (olive.id, AccountStatus::Active, Tier::Free, false, 3, None));
    assert_eq!(caller.workspace, None);
}

pub async fn a_members_key_is_seen_with_its_minter<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let minted = world.mint(&ada, &olive, "ci").await;
    let stands = async || minter(&seen(&world, &key(&minted), None).await);
    let revision = seen(&world, &ada.presented, None).await.revision;
    assert_eq!(stands().await, Some(SeenMinter { role: Role::Admin, status: AccountStatus::Active, revision }));
    world.memberships().change_role(&world.permit(&olive).await, membership.id, Role::Member).await.unwrap();
    world.backend.set_status(ada.id, AccountStatus::Suspended).await;
    assert_eq!(stands().await, Some(SeenMinter { role: Role::Member, status: AccountStatus::Suspended, revision }));
    world.memberships().remove(&world.permit(&olive).await, membership.id).await.unwrap();
    assert_eq!(stands().await, None);
}

pub async fn a_key_that_is_over_is_seen_all_the_same<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let expires_at = Some(world.now().plus(MINUTE));
    let minted = world.keys().mint(&world.permit(&olive).await, KeyOrder { expires_at, ..order("ci") }).await.unwrap();
    world.clock.advance(HOUR);
    assert_eq!(seen(&world, &key(&minted), None).await.account, olive.id);
    world.keys().revoke(&world.permit(&olive).await, minted.key.id).await.unwrap();
    let caller = seen(&world, &key(&minted), None).await;
    let now = Some(world.now());
    assert!(matches!(caller.credential, SeenCredential::Key { revoked_at, .. } if revoked_at == now));
}

pub async fn a_session_is_seen_with_its_generation<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let next = world.web_sessions().refresh(&olive.token).await.unwrap();
    for shown in [presented(&olive.token), presented(&next.token)] {
        let caller = seen(&world, &shown, None).await;
        assert_eq!(caller.account, olive.id);
        assert!(matches!(caller.credential, SeenCredential::Session { generation: 2, ended_at: None, .. }));
    }
    world.web_sessions().log_out(&next.token).await.unwrap();
    let caller = seen(&world, &olive.presented, None).await;
    assert!(matches!(caller.credential, SeenCredential::Session { ended_at: Some(_), .. }));
}

pub async fn an_unknown_credential_is_not_seen<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let session = Presented::Session { id: WebSessionId::new(people::uuid(1)), generation: 1 };
    for stranger in [Presented::Key(Digest::of("no key")), session] {
        assert_eq!(world.store.seen_caller(&stranger, Some(olive.id)).await.unwrap(), None);
    }
}

pub async fn a_workspace_is_seen_only_by_its_members<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada, bo) = (world.person("olive").await, world.person("ada").await, world.person("bo").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    world.backend.set_status(olive.id, AccountStatus::Suspended).await;
    let adas = world.mint(&ada, &ada, "ada's own").await;
    let olives = seen(&world, &olive.presented, None).await.revision;
    let expected = SeenWorkspace {
        owner: olive.id,
        status: AccountStatus::Suspended,
        role: Role::Admin,
        tier: Tier::Free,
        overrides: Overrides::NONE,
        revision: olives,
    };
    for ada in [ada.presented, key(&adas)] {
        assert_eq!(seen(&world, &ada, Some(olive.id)).await.workspace, Some(expected));
        assert_eq!(seen(&world, &ada, Some(bo.id)).await.workspace, None, "not a member there");
        assert_eq!(seen(&world, &ada, None).await.workspace, None, "none was wanted");
    }
    assert_eq!(seen(&world, &bo.presented, Some(olive.id)).await.workspace, None);
    assert_eq!(seen(&world, &olive.presented, Some(ada.id)).await.workspace, None, "not the other way round");
    world.backend.set_status(olive.id, AccountStatus::Active).await;
    world.memberships().remove(&world.permit(&olive).await, membership.id).await.unwrap();
    assert_eq!(seen(&world, &ada.presented, Some(olive.id)).await.workspace, None, "not a member any more");
}

pub async fn a_touch_moves_no_revision_and_the_later_one_stays<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let minted = world.mint(&olive, &olive, "ci").await;
    let Presented::Session { id, .. } = olive.presented else { unreachable!() };
    let both = [(Credential::Key(minted.key.id), key(&minted)), (Credential::Session(id), olive.presented)];
    for (credential, shown) in both {
        let before = seen(&world, &shown, None).await;
        let (early, late): (Timestamp, Timestamp) = (world.now().plus(MINUTE), world.now().plus(HOUR));
        let within_the_minute = late.plus(MINUTE / 2);
        for at in [late, early, within_the_minute] {
            world.store.touch(credential, at, at.minus(MINUTE)).await.unwrap();
        }
        let after = seen(&world, &shown, None).await;
        assert_eq!(after, SeenCaller { last_used_at: Some(late), ..before });
    }
    world.log(olive.id).await;
}
