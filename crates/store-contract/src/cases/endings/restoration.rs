//! Who comes back within the grace, and with what.

use driftstack_domain::{
    access::Presented,
    account::{AccountStatus, AccountStore as _},
    auth::{Entered, LinkKind, LogInError, SignInStore as _},
    ending::PurgeRound,
    membership::MembershipStore as _,
    mfa::PERIOD,
    policy::{Role, action::ListKeys},
    testing::people,
    time::DAY,
};

use super::{all, delete, grace_is_over, may, status};
use crate::{
    backend::Backend,
    world::{World, client, password, presented},
};

pub async fn a_sign_in_brings_a_deleted_account_back<B: Backend>(backend: B) {
    let world = World::new(backend);
    for way in ["password", "magic link", "reset"] {
        let name = way.replace(' ', "");
        let olive = world.person(&name).await;
        delete(&world, &olive).await;
        world.clock.advance(DAY);
        let entered = match way {
            "password" => {
                let wrong = driftstack_domain::auth::Password::shown("not the password");
                let refused = world.sign_ins().log_in(&olive.email, &wrong, &client()).await;
                assert!(matches!(refused, Err(LogInError::InvalidCredentials)));
                assert_eq!(status(&world, &olive).await, AccountStatus::Deleted);
                world.sign_ins().log_in(&olive.email, &password(), &client()).await.unwrap()
            }
            "magic link" => {
                let link = world.link(LinkKind::MagicLink, &olive.email).await;
                world.sign_ins().follow(&link, &client()).await.unwrap()
            }
            _ => {
                let link = world.link(LinkKind::PasswordReset, &olive.email).await;
                world.sign_ins().reset(&link, &password(), &client()).await.unwrap()
            }
        };
        let Entered::SignedIn(signed_in) = entered else { panic!("nobody asks for a second factor") };
        assert!(may(&world, &presented(&signed_in.token)).await, "{way}");
        assert_eq!(status(&world, &olive).await, AccountStatus::Active);
        let actions = world.actions(olive.id).await;
        assert_eq!(actions[actions.len() - 2..], ["account.restored", "account.login"], "{way}");
        let seen = world.store.seen_holder(olive.id).await.unwrap().unwrap();
        assert_eq!(seen.purge_at, None);
    }
    assert_eq!(grace_is_over(&world).await, PurgeRound::default());
}

pub async fn what_was_handed_out_does_not_come_back<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada, bo) = (world.person("olive").await, world.person("ada").await, world.person("bo").await);
    world.join(&olive, &ada, Role::Member).await;
    world.join(&bo, &olive, Role::Member).await;
    let key = world.mint(&olive, &olive, "own").await;
    let picture = world.wear(&olive).await;
    delete(&world, &olive).await;
    let back = world.sign_in(&olive).await;
    assert!(may(&world, &back.presented).await);
    assert!(!may(&world, &olive.presented).await && !may(&world, &Presented::Key(key.secret.digest())).await);
    let own = world.store.own_account(olive.id).await.unwrap().unwrap();
    assert!(own.teams.is_empty(), "not on the team of others");
    assert_eq!((own.account.avatar, own.account.name), (Some(picture), Some(people::name("olive"))));
    // The own team is as it was, and its members get in again.
    assert_eq!(world.store.members(olive.id, all()).await.unwrap().rows.len(), 1);
    assert!(world.doorkeeper().admit::<ListKeys>(&ada.presented, Some(olive.id)).await.is_ok());
}

pub async fn the_second_factor_comes_before_the_return<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    world.prove(&olive).await;
    let phone = world.enroll(&olive).await;
    world.endings().delete(&world.permit(&olive).await).await.unwrap();
    world.clock.advance(PERIOD);
    let challenge = world.challenge(&olive).await;
    assert_eq!(status(&world, &olive).await, AccountStatus::Deleted);
    let reset = world.link(LinkKind::PasswordReset, &olive.email).await;
    let entered = world.sign_ins().reset(&reset, &password(), &client()).await.unwrap();
    assert!(matches!(entered, Entered::Challenged { .. }));
    assert_eq!(status(&world, &olive).await, AccountStatus::Deleted);
    let code = phone.code(world.now());
    assert!(world.sign_ins().answer(&challenge, &code, &client()).await.is_err(), "the reset has forgotten it");
    let challenge = world.challenge(&olive).await;
    world.sign_ins().answer(&challenge, &code, &client()).await.unwrap();
    assert_eq!(status(&world, &olive).await, AccountStatus::Active);
    let actions = world.actions(olive.id).await;
    assert_eq!(actions[actions.len() - 2..], ["account.restored", "account.login"]);
}
