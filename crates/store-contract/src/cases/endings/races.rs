//! A deletion, a return and a purge that meet somebody else.

use driftstack_domain::{
    access::{AdmitError, Permit, Presented},
    account::AccountStatus,
    auth::{Entered, LogInError, SignInStore as _},
    change::again_if_stale,
    ending::GRACE,
    membership::MembershipStore as _,
    policy::{
        Role,
        action::{AcceptInvite, DeleteAccount},
    },
    webhook::EventType,
};

use super::{all, delete, may, status};
use crate::{
    backend::Backend,
    cases::webhooks::{claim, happen, mark, ok, register},
    world::{Attempt, World, client, password, pause, presented, race},
};

pub async fn of_a_deletion_and_a_sign_in_one_comes_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    for round in 0..6 {
        let olive = world.person(&format!("olive{round}")).await;
        world.prove(&olive).await;
        let delete = async |permit: Permit<DeleteAccount>| world.endings().delete(&permit).await;
        let either = async |n: usize| {
            if n == 0 {
                world.call(olive.presented, None, delete).await.unwrap();
                return None;
            }
            let log_in = async || world.sign_ins().log_in(&olive.email, &password(), &client()).await;
            match again_if_stale(log_in, pause).await.unwrap() {
                Entered::SignedIn(signed_in) => Some(presented(&signed_in.token)),
                Entered::Challenged { .. } => panic!("there is no second factor"),
            }
        };
        let shown: Vec<Presented> = race(3, either).await.into_iter().flatten().collect();
        assert_eq!(shown.len(), 2);
        let actions = world.actions(olive.id).await;
        let behind = actions.iter().skip_while(|action| *action != "account.deletion_requested").skip(1);
        let behind: Vec<_> = behind.map(String::as_str).collect();
        let logins = behind.iter().filter(|action| **action == "account.login").count();
        let mut good = 0;
        for shown in &shown {
            good += usize::from(may(&world, shown).await);
        }
        assert_eq!(good, logins, "those that came behind the deletion are good, and no others: {behind:?}");
        let returned = behind.first() == Some(&"account.restored");
        assert_eq!(returned, logins > 0, "{behind:?}");
        let is = status(&world, &olive).await;
        assert_eq!(is, if returned { AccountStatus::Active } else { AccountStatus::Deleted });
    }
}

pub async fn of_a_return_and_a_purge_one_comes_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    for round in 0..6 {
        let olive = world.person(&format!("olive{round}")).await;
        delete(&world, &olive).await;
        world.clock.advance(GRACE);
        let either = async |n: usize| {
            if n == 0 {
                return world.purger().round(None).await.unwrap().purged == 1;
            }
            let log_in = async || world.sign_ins().log_in(&olive.email, &password(), &client()).await;
            match again_if_stale(log_in, pause).await {
                Ok(_) => true,
                Err(LogInError::InvalidCredentials) => false,
                Err(error) => panic!("{error:?}"),
            }
        };
        let outcomes = race(2, either).await;
        assert!(outcomes[0] != outcomes[1], "{outcomes:?}");
        let actions = world.actions(olive.id).await;
        let purged = actions.iter().filter(|action| *action == "account.purged").count();
        let restored = actions.iter().filter(|action| *action == "account.restored").count();
        assert_eq!((purged, restored), (usize::from(outcomes[0]), usize::from(outcomes[1])));
        assert_eq!(world.store.seen_sign_in(&olive.email).await.unwrap().is_some(), outcomes[1]);
    }
}

pub async fn two_purgers_purge_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let mut people = Vec::new();
    for n in 0..5 {
        let who = world.person(&format!("olive{n}")).await;
        delete(&world, &who).await;
        people.push(who);
    }
    world.clock.advance(GRACE);
    let rounds = race(4, async |_| world.purger().round(None).await.unwrap()).await;
    assert_eq!(rounds.iter().map(|round| round.purged).sum::<u32>(), 5, "{rounds:?}");
    assert!(rounds.iter().all(|round| round.failed.is_empty()), "{rounds:?}");
    for who in people {
        let actions = world.actions(who.id).await;
        assert_eq!(actions.iter().filter(|action| *action == "account.purged").count(), 1);
    }
}

pub async fn a_purge_and_its_deliveries_wait_for_each_other_in_one_order<B: Backend>(backend: B) {
    let world = World::new(backend);
    for round in 0..8 {
        let olive = world.person(&format!("olive{round}")).await;
        for _ in 0..2 {
            register(&world, &olive, &[EventType::KeyRevoked]).await;
        }
        happen(&world, &olive, 24).await;
        delete(&world, &olive).await;
        world.clock.advance(GRACE);
        // Whoever had to give way to a deadlock would fail here.
        race(3, async |n| {
            if n == 0 {
                let round = world.purger().round(None).await.unwrap();
                assert_eq!((round.purged, round.failed), (1, Vec::new()));
                return;
            }
            while let Some(claimed) = claim(&world, 4).await {
                let arrivals = (0..claimed.deliveries.len()).map(|nth| (nth, ok()));
                mark(&world, &claimed, arrivals, true).await;
            }
        })
        .await;
        assert_eq!(world.backend.rows().await["webhook_endpoints"], 0);
    }
}

pub async fn a_deletion_and_a_joining_leave_no_member_behind<B: Backend>(backend: B) {
    let world = World::new(backend);
    let bo = world.person("bo").await;
    for round in 0..6 {
        let olive = world.person(&format!("olive{round}")).await;
        world.prove(&olive).await;
        let token = world.invite(&bo, &olive, Role::Admin).await;
        let delete = async |permit: Permit<DeleteAccount>| world.endings().delete(&permit).await;
        let accept = async |permit: Permit<AcceptInvite>| world.invites().accept(&permit, &token).await;
        let either = async |n: usize| match n {
            0 => world.call(olive.presented, None, delete).await.map_err(|error| format!("{error:?}")),
            _ => match world.call(olive.presented, None, accept).await {
                Ok(_) | Err(Attempt::Door(AdmitError::NotAuthenticated(_))) => Ok(()),
                Err(error) => Err(format!("{error:?}")),
            },
        };
        for outcome in race(2, either).await {
            outcome.unwrap();
        }
        assert_eq!(status(&world, &olive).await, AccountStatus::Deleted);
        assert!(world.store.members(bo.id, all()).await.unwrap().rows.is_empty());
    }
    world.log(bo.id).await;
}
