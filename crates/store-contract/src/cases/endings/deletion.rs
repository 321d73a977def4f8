//! What a deletion ends at once.

use std::collections::BTreeMap;

use driftstack_domain::{
    access::{AdmitError, NotAuthenticated, Permit, Presented},
    account::AccountStatus,
    auth::LinkKind,
    change::MaybeStale as _,
    ending::{EndingStore as _, SeenEnding},
    mail::MailKind,
    membership::{InviteStore as _, MembershipStore as _},
    policy::{
        Denied, Role,
        action::{DeleteAccount, ListKeys},
    },
    session::SessionStore as _,
    staff::StaffStore as _,
    testing::people,
    tier::Tier,
    time::MINUTE,
    usage::{Day, DayMinutes, UsageStore as _},
    webhook::{EventType, WebhookStore as _},
};

use super::{all, delete, may, status};
use crate::{
    backend::Backend,
    cases::{
        sessions::{begin, on},
        webhooks::{claim, happen, listed, register},
    },
    forge,
    world::{World, client},
};

pub async fn a_deletion_ends_everything_at_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada, bo) = (world.person("olive").await, world.person("ada").await, world.person("bo").await);
    let other = world.sign_in(&olive).await;
    world.join(&olive, &ada, Role::Admin).await;
    let place = world.join(&bo, &olive, Role::Admin).await;
    let (own, adas) = (world.mint(&olive, &olive, "own").await, world.mint(&ada, &olive, "ada's").await);
    let (at_bo, bos) = (world.mint(&olive, &bo, "at bo's").await, world.mint(&bo, &bo, "bo's").await);
    let eve = people::email("eve@example.com");
    world.invites().invite(&world.permit(&olive).await, eve.clone(), Role::Member).await.unwrap();
    let to_eve = world.mailed_token(&eve).await;
    let magic = world.link(LinkKind::MagicLink, &olive.email).await;
    world.prove(&olive).await;
    world.post().await;
    world.endings().delete(&world.permit(&olive).await).await.unwrap();

    assert_eq!(status(&world, &olive).await, AccountStatus::Deleted);
    for shown in [olive.presented, other.presented, Presented::Key(own.secret.digest())] {
        assert!(!may(&world, &shown).await);
    }
    assert!(!may(&world, &Presented::Key(adas.secret.digest())).await, "a member's key on the account");
    assert!(!may(&world, &Presented::Key(at_bo.secret.digest())).await, "the account's key with somebody else");
    assert!(may(&world, &Presented::Key(bos.secret.digest())).await);
    let entered = world.doorkeeper().admit::<ListKeys>(&ada.presented, Some(olive.id)).await;
    assert!(matches!(entered, Err(AdmitError::Denied(Denied::NoMembership))), "{entered:?}");
    assert!(world.store.members(bo.id, all()).await.unwrap().rows.is_empty());
    assert!(world.store.seen_membership(place.id).await.unwrap().unwrap().removed_at.is_some());
    let left = world.told(bo.id).await.pop().unwrap();
    let payload = left.payload.unwrap();
    assert_eq!((left.action.as_str(), left.actor_account_id), ("team.member_removed", Some(olive.id)));
    assert_eq!(
        (&payload["left"], &payload["revoked_api_keys"]),
        (&true.into(), &serde_json::json!([at_bo.key.id.to_string()]))
    );
    assert!(world.store.pending_invites(olive.id, world.now(), all()).await.unwrap().rows.is_empty());
    assert!(world.store.seen_token(&to_eve.digest(), ada.id).await.unwrap().unwrap().invite.voided_at.is_some());
    assert!(world.sign_ins().follow(&magic, &client()).await.is_err(), "a link of before");
    let mails = world.post().await;
    assert_eq!(
        mails.iter().map(|mail| (&mail.to, mail.content.kind())).collect::<Vec<_>>(),
        [(&olive.email, MailKind::AccountDeleted)]
    );
    assert_eq!(world.actions(olive.id).await.pop().unwrap(), "account.deletion_requested");
    assert!(world.store.account(olive.id).await.unwrap().is_none(), "staff do not see it");
}

pub async fn a_deletion_is_told_to_the_owners_and_to_its_own_endpoints<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada, bo) = (world.person("olive").await, world.person("ada").await, world.person("bo").await);
    world.join(&olive, &ada, Role::Admin).await;
    world.join(&bo, &olive, Role::Admin).await;
    let told = [EventType::MemberRemoved, EventType::KeyRevoked];
    let own = register(&world, &olive, &told).await.endpoint;
    register(&world, &bo, &told).await;
    let over = world.mint(&olive, &olive, "revoked before").await.key.id;
    world.keys().revoke(&world.permit(&olive).await, over).await.unwrap();
    world.mint(&olive, &olive, "own").await;
    world.mint(&ada, &olive, "ada's").await;
    world.mint(&olive, &bo, "at bo's").await;
    delete(&world, &olive).await;

    let mut heard: BTreeMap<_, Vec<_>> = BTreeMap::new();
    while let Some(claimed) = claim(&world, 100).await {
        let told = claimed.deliveries.iter().map(|it| (it.message.kind, it.message.data.get("reason").cloned()));
        heard.entry(claimed.endpoint.account).or_default().extend(told);
    }
    let revoked = |reason: &str| (EventType::KeyRevoked, Some(reason.into()));
    assert_eq!(heard[&olive.id], [revoked("revoked"), revoked("account_deleted"), revoked("account_deleted")]);
    assert_eq!(heard[&bo.id], [(EventType::MemberRemoved, None), revoked("member_removed")]);

    // Its endpoints come back with it, as they were.
    let back = world.sign_in(&olive).await;
    assert_eq!(world.store.endpoints(back.id).await.unwrap(), std::slice::from_ref(&own));
    happen(&world, &back, 1).await;
    assert_eq!(listed(&world, own.id).await.len(), 4);
}

pub async fn a_deletion_that_is_asked_for_twice_is_one<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    delete(&world, &olive).await;
    let before = world.backend.rows().await;
    // With the session that has ended by it: for nothing else is it good.
    let again = world.doorkeeper().admit::<DeleteAccount>(&olive.presented, None).await.unwrap();
    world.endings().delete(&again).await.unwrap();
    assert_eq!(world.backend.rows().await, before);
    world.log_in(&olive.email).await;
    assert!(world.endings().delete(&again).await.unwrap_err().is_stale(), "it was about the account of before");
    let refused = world.doorkeeper().admit::<DeleteAccount>(&olive.presented, None).await;
    assert!(matches!(refused, Err(AdmitError::NotAuthenticated(NotAuthenticated::SessionOver))));
}

pub async fn a_deletion_of_somebody_who_has_joined_a_team_meanwhile_is_stale<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    world.prove(&olive).await;
    let permit: Permit<DeleteAccount> = world.permit(&olive).await;
    let seen = world.store.seen_ending(olive.id).await.unwrap().unwrap();
    let (email, status_seen) = (olive.email.clone(), AccountStatus::Active);
    let (departures, keys, running) = (Vec::new(), Vec::new(), Vec::new());
    assert_eq!(seen, SeenEnding { email, status: status_seen, departures, keys, running });
    let late = forge::deletion(&world.desk, &permit, seen).await;
    world.join(&bo, &olive, Role::Member).await;
    let before = world.backend.rows().await;
    assert!(world.store.commit_deletion(&late).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    assert_eq!(status(&world, &olive).await, AccountStatus::Active);
    assert!(may(&world, &olive.presented).await);
}

pub async fn a_deletion_ends_the_sessions_that_run<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::ApiScale).await;
    world.prove(&olive).await;
    let session = begin(&world, &olive).await;
    let permit: Permit<DeleteAccount> = world.permit(&olive).await;
    let late = forge::deletion(&world.desk, &permit, world.store.seen_ending(olive.id).await.unwrap().unwrap()).await;
    let other = begin(&world, &olive).await;
    let before = world.backend.rows().await;
    assert!(world.store.commit_deletion(&late).await.unwrap_err().is_stale(), "another one has begun since");
    assert_eq!(world.backend.rows().await, before);

    world.clock.advance(MINUTE);
    world.endings().delete(&permit).await.unwrap();
    for id in [session.id, other.id] {
        let ended = world.store.session(olive.id, id).await.unwrap().unwrap();
        assert_eq!(ended.destroyed_at, Some(world.now()));
    }
    let today = Day::of(world.now());
    let usage = world.store.seen_usage(olive.id, today..=today).await.unwrap();
    assert_eq!((usage.ended, usage.running_since), (vec![DayMinutes { day: today, minutes: 2 }], Vec::new()));
    assert_eq!(world.actions(olive.id).await.iter().filter(|action| *action == "session.destroyed").count(), 2);
}
