//! Roles, members and whole teams that change under whoever acts on them.

use driftstack_domain::{
    access::{AdmitError, Permit, Presented},
    api_key::ApiKeyStore as _,
    change::MaybeStale as _,
    membership::MembershipStore as _,
    page::PageRequest,
    policy::{
        Denied, Role, Standing,
        action::{AcceptInvite, MintKey, RemoveMember, TransferOwnership},
    },
};

use crate::{
    backend::Backend,
    world::{Attempt, World, order, race},
};

pub async fn a_role_that_was_taken_away_makes_the_write_stale<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let allowed: Permit<MintKey> = world.permit_on(&ada, &olive).await;
    world.memberships().change_role(&world.permit(&olive).await, membership.id, Role::Member).await.unwrap();
    let before = world.backend.rows().await;
    let stale = world.keys().mint(&allowed, order("too late")).await.unwrap_err();
    assert!(stale.is_stale(), "{stale:?}");
    let mint = async |permit: Permit<MintKey>| world.keys().mint(&permit, order("too late")).await;
    let denied = world.call(ada.presented, Some(olive.id), mint).await.unwrap_err();
    let needs = Denied::Standing { has: Standing::Member, needs: Standing::Admin };
    assert!(matches!(&denied, Attempt::Door(AdmitError::Denied(why)) if *why == needs), "{denied:?}");
    assert_eq!(world.backend.rows().await, before);
    world.log(olive.id).await;
}

/// What either of two runners may answer.
enum Outcome {
    Minted(Option<Presented>),
    Removed,
}

pub async fn no_key_of_a_removed_member_lives<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for round in 0..8 {
        let ada = world.person(&format!("ada{round}")).await;
        let membership = world.join(&olive, &ada, Role::Admin).await;
        let mint = async |permit: Permit<MintKey>| world.keys().mint(&permit, order("a last one")).await;
        let remove = async |permit: Permit<RemoveMember>| world.memberships().remove(&permit, membership.id).await;
        let either = async |n| {
            if n == 0 {
                world.call(olive.presented, None, remove).await.unwrap();
                return Outcome::Removed;
            }
            let minted = world.call(ada.presented, Some(olive.id), mint).await;
            Outcome::Minted(minted.ok().map(|minted| Presented::Key(minted.secret.digest())))
        };
        let outcomes = race(4, either).await;
        assert!(world.store.keys_in_hands_of(olive.id, ada.id).await.unwrap().is_empty());
        for outcome in outcomes {
            if let Outcome::Minted(Some(key)) = outcome {
                let shown = world.doorkeeper().admit::<MintKey>(&key, None).await;
                assert!(matches!(shown, Err(AdmitError::NotAuthenticated(_))), "{shown:?}");
            }
        }
    }
    world.log(olive.id).await;
    let keys = world.store.keys(olive.id, PageRequest::default()).await.unwrap().rows;
    assert!(keys.iter().all(|key| key.revoked_at.is_some()));
}

pub async fn a_team_that_moves_is_not_mixed_with_another<B: Backend>(backend: B) {
    let world = World::new(backend);
    let sam = world.staffer("sam").await;
    for round in 0..6 {
        let [olive, ada, bo] = [
            world.person(&format!("olive{round}")).await,
            world.person(&format!("ada{round}")).await,
            world.person(&format!("bo{round}")).await,
        ];
        world.join(&olive, &ada, Role::Admin).await;
        let token = world.invite(&ada, &bo, Role::Admin).await;
        let accept = async |permit: Permit<AcceptInvite>| world.invites().accept(&permit, &token).await;
        let transfer =
            async |permit: Permit<TransferOwnership>| world.staff().transfer(&permit, olive.id, ada.id).await;
        let either = async |n| {
            if n == 0 {
                world.call(sam.presented, None, transfer).await.is_ok()
            } else {
                world.call(bo.presented, None, accept).await.is_ok()
            }
        };
        let outcomes = race(2, either).await;
        assert_ne!(outcomes[0], outcomes[1], "one of them, never both");
        let members = world.store.members(ada.id, PageRequest::default()).await.unwrap().rows;
        let members: Vec<_> = members.iter().map(|it| it.member).collect();
        assert_eq!(members, [if outcomes[0] { olive.id } else { bo.id }]);
    }
    world.log(sam.id).await;
}
