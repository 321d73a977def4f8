//! A record that was decided before somebody else's commit writes nothing, and whoever tries again gets there.

use driftstack_domain::{
    access::Permit,
    account::AccountStore as _,
    api_key::ApiKeyStore as _,
    change::MaybeStale as _,
    mail::{MailPreference, OptionalMail},
    membership::MembershipStore as _,
    policy::{Role, action::SetPreference},
    profile::{ProfileOrder, ProfilePatch},
    session::SessionOrder,
    testing::people,
};

use super::{slug, wins};
use crate::{
    backend::Backend,
    cases::sessions,
    world::{Person, World, order, race},
};

/// Every record that carries a guard, decided before somebody else's commit.
pub async fn a_stale_record_writes_nothing<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Member).await;
    let key = world.mint(&olive, &olive, "ci").await.key;
    let team = world.teams().list(&world.permit(&olive).await).await.unwrap().remove(0);
    let bo = people::email("bo@example.com");
    let invite = world.invites().invite(&world.permit(&olive).await, bo, Role::Member).await.unwrap();
    world.wear(&olive).await;
    let picture = world.upload(&olive).await;
    let session = sessions::begin(&world, &olive).await;
    let profile = world.profiles().create(&world.permit(&olive).await, profile_named("shop")).await.unwrap();
    let seen = world.store.own_account(olive.id).await.unwrap();
    world.prove(&olive).await;

    macro_rules! assert_stale {
        ($($made:expr;)+) => {
            $({
                let old = world.permit(&olive).await;
                move_on(&world, &olive).await;
                let before = world.backend.rows().await;
                let made = $made;
                let stale = made(old).await;
                assert!(stale.is_err_and(|error| error.is_stale()), stringify!($made));
                assert_eq!(world.backend.rows().await, before, stringify!($made));
            })+
        };
    }
    assert_stale! {
        async |by| world.accounts().edit(&by, slug("acme")).await.map(drop);
        async |by| world.avatars().wear(&by, &picture).await;
        async |by| world.avatars().remove(&by).await;
        async |by| world.email_changes().ask(&by, people::email("olive@example.org")).await.map(drop);
        async |by| world.teams().rename(&by, team.id, people::name("Acme")).await.map(drop);
        async |by| world.keys().mint(&by, order("another")).await.map(drop);
        async |by| world.keys().rotate(&by, key.id, None).await.map(drop);
        async |by| world.keys().revoke(&by, key.id).await;
        async |by| world.invites().invite(&by, people::email("eve@example.com"), Role::Member).await.map(drop);
        async |by| world.invites().resend(&by, invite.id).await.map(drop);
        async |by| world.invites().revoke(&by, invite.id).await;
        async |by| world.memberships().change_role(&by, membership.id, Role::Admin).await.map(drop);
        async |by| world.memberships().remove(&by, membership.id).await;
        async |by| world.preferences().set(&by, declined(OptionalMail::BillingReceipt)).await;
        async |by| world.sessions().create(&by, SessionOrder::default()).await.map(drop);
        async |by| world.sessions().destroy(&by, session.id).await;
        async |by| world.profiles().create(&by, profile_named("another")).await.map(drop);
        async |by| world.profiles().update(&by, profile.id, patch()).await.map(drop);
        async |by| world.profiles().delete(&by, profile.id).await;
    }
    let own = world.store.own_account(olive.id).await.unwrap();
    assert_eq!(own.map(|own| own.account), seen.map(|own| own.account));
    assert_eq!(world.store.seen_key(olive.id, key.id).await.unwrap().unwrap(), key);
    assert_eq!(world.store.seen_membership(membership.id).await.unwrap().unwrap().membership, membership);
    world.log(olive.id).await;
}

fn profile_named(name: &str) -> ProfileOrder {
    ProfileOrder { name: people::name(name), archetype: None, description: None, metadata: None }
}

fn patch() -> ProfilePatch {
    ProfilePatch { name: Some(people::name("another")), ..ProfilePatch::default() }
}

fn declined(mail: OptionalMail) -> MailPreference {
    MailPreference { mail, opted_in: false }
}

/// Somebody signs in elsewhere: that moves the revision and the log, and nothing else that is looked at here.
async fn move_on<B: Backend>(world: &World<B>, who: &Person) {
    world.log_in(&who.email).await;
}

pub async fn everybody_gets_on_the_log_in_the_end<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let set = async |n: usize| {
        let preference = MailPreference { mail: OptionalMail::ALL[n], opted_in: false };
        let set = async |permit: Permit<SetPreference>| world.preferences().set(&permit, preference).await;
        world.call(olive.presented, None, set).await
    };
    let outcomes = race(OptionalMail::ALL.len(), set).await;
    assert_eq!(wins(&outcomes), OptionalMail::ALL.len(), "{outcomes:?}");
    assert_eq!(world.log(olive.id).await.len(), 2 + OptionalMail::ALL.len());
}
