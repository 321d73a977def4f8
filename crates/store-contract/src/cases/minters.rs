//! What is written with a key in a member's hands, while the member comes to an end.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use driftstack_domain::{
    access::{AdmitError, Permit, Presented},
    account::AccountStore as _,
    api_key::KeyOrder,
    change::MaybeStale,
    id::AccountId,
    policy::{
        Denied, Operation, Role, Scope, ScopeSet,
        action::{CreateSession, DestroySession, RenameOrganisation},
    },
    session::SessionOrder,
    testing::people,
    tier::Tier,
};

use super::sessions;
use crate::{
    backend::Backend,
    world::{Person, World, order, race},
};

/// A key on the account of `owner` in the hands of `admin`.
async fn lent<B: Backend>(world: &World<B>, owner: &Person, admin: &Person) -> Presented {
    world.join(owner, admin, Role::Admin).await;
    let order = KeyOrder { scopes: ScopeSet::of(&[Scope::Write, Scope::WriteSessions]), ..order("lent") };
    let minted = world.keys().mint(&world.permit_on(admin, owner).await, order).await.unwrap();
    Presented::Key(minted.secret.digest())
}

async fn admit<B: Backend, A: Operation>(world: &World<B>, key: &Presented) -> Result<Permit<A>, AdmitError> {
    world.doorkeeper().admit(key, None).await
}

async fn suspend<B: Backend>(world: &World<B>, sam: &Person, who: AccountId) {
    world.staff().suspend(&world.permit(sam).await, who, None).await.unwrap();
}

/// In either dialect, with the permits from before: each is refused, and nothing is written.
async fn assert_over<B: Backend>(world: &World<B>, begin: &Permit<CreateSession>, rename: &Permit<RenameOrganisation>) {
    let before = world.backend.rows().await;
    let begun = world.sessions().create(begin, SessionOrder::default()).await;
    assert!(begun.as_ref().is_err_and(MaybeStale::is_stale), "{begun:?}");
    let renamed = world.organisations().rename(rename, people::name("Acme")).await;
    assert!(renamed.as_ref().is_err_and(MaybeStale::is_stale), "{renamed:?}");
    assert_eq!(world.backend.rows().await, before);
}

pub async fn a_members_key_writes_nothing_after_its_minters_suspension<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive, ada) = (world.staffer("sam").await, world.person("olive").await, world.person("ada").await);
    let key = lent(&world, &olive, &ada).await;
    let (begin, rename) = (admit(&world, &key).await.unwrap(), admit(&world, &key).await.unwrap());
    suspend(&world, &sam, ada.id).await;
    assert_over(&world, &begin, &rename).await;
    let shut = |asked: Option<AdmitError>| matches!(asked, Some(AdmitError::Denied(Denied::AccountSuspended)));
    assert!(shut(admit::<_, CreateSession>(&world, &key).await.err()));
    assert!(shut(admit::<_, RenameOrganisation>(&world, &key).await.err()));

    world.staff().unsuspend(&world.permit(&sam).await, ada.id, None).await.unwrap();
    assert_over(&world, &begin, &rename).await;
    world.sessions().create(&admit(&world, &key).await.unwrap(), SessionOrder::default()).await.unwrap();
    world.organisations().rename(&admit(&world, &key).await.unwrap(), people::name("Acme")).await.unwrap();
}

pub async fn a_members_key_writes_nothing_after_its_minter_has_gone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let key = lent(&world, &olive, &ada).await;
    let (begin, rename) = (admit(&world, &key).await.unwrap(), admit(&world, &key).await.unwrap());
    world.prove(&ada).await;
    world.endings().delete(&world.permit(&ada).await).await.unwrap();
    assert_over(&world, &begin, &rename).await;
    assert!(matches!(admit::<_, CreateSession>(&world, &key).await, Err(AdmitError::NotAuthenticated(_))));
}

/// A session moves no revision: so whoever begins and ends them has one permit for all, until somebody takes it away.
pub async fn of_a_suspension_and_the_writes_of_a_key_none_comes_after<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive) = (world.staffer("sam").await, sessions::on(&world, "olive", Tier::ApiScale).await);
    let ada = world.person("ada").await;
    let key = lent(&world, &olive, &ada).await;
    let (begin, end) = (admit(&world, &key).await.unwrap(), admit::<_, DestroySession>(&world, &key).await.unwrap());
    let suspended = AtomicBool::new(false);
    // Answers whether it went through.
    let write = async || {
        let late = suspended.load(SeqCst);
        match world.sessions().create(&begin, SessionOrder::default()).await {
            Ok(session) => {
                assert!(!late, "committed after the suspension");
                let ended = world.sessions().destroy(&end, session.id).await;
                assert!(ended.is_ok() || ended.is_err_and(|error| error.is_stale()));
                true
            }
            Err(error) => {
                assert!(error.is_stale(), "{error:?}");
                false
            }
        }
    };
    let run = async |n| {
        if n > 0 {
            while write().await {}
            return;
        }
        for _ in 0..4 {
            assert!(write().await);
        }
        suspend(&world, &sam, ada.id).await;
        suspended.store(true, SeqCst);
    };
    race(4, run).await;
    world.log(olive.id).await;
    world.log(ada.id).await;
}

pub async fn keys_held_in_each_others_hands_do_not_wait_in_a_circle<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = sessions::on(&world, "olive", Tier::Enterprise).await;
    let ada = sessions::on(&world, "ada", Tier::Enterprise).await;
    let keys = [lent(&world, &olive, &ada).await, lent(&world, &ada, &olive).await];
    let begin = async |n: usize| {
        let permit = admit(&world, &keys[n % 2]).await.unwrap();
        for _ in 0..6 {
            world.sessions().create(&permit, SessionOrder::default()).await.unwrap();
        }
    };
    race(8, begin).await;
    for who in [&olive, &ada] {
        assert_eq!(world.store.own_account(who.id).await.unwrap().unwrap().running_sessions, 24);
    }
}
