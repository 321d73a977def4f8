//! What is held of somebody, for the export.

use driftstack_domain::{
    auth::LinkKind,
    ending::HoldingStore as _,
    mail::MailKind,
    page::{Limit, PageRequest},
    policy::Role,
    profile::ProfileOrder,
    testing::people,
    tier::Tier,
    time::DAY,
    usage::Day,
    webhook::EventType,
};

use super::all;
use crate::{
    backend::Backend,
    cases::{
        sessions::{begin, on},
        webhooks::{happen, register},
    },
    world::{World, client},
};

pub async fn what_is_held_is_read_by_page<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let other = world.sign_in(&olive).await;
    world.web_sessions().log_out(&other.token).await.unwrap();
    for guest in ["eve", "eve", "ada"] {
        let email = people::email(&format!("{guest}@example.com"));
        world.invites().invite(&world.permit(&olive).await, email, Role::Member).await.unwrap();
    }
    world.link(LinkKind::MagicLink, &olive.email).await;
    let link = world.link(LinkKind::MagicLink, &olive.email).await;
    world.post().await;
    let two = PageRequest { limit: Limit::new(2).unwrap(), after: None };

    let sign_ins = world.store.every_sign_in(olive.id, all()).await.unwrap().rows;
    assert_eq!(sign_ins.iter().map(|it| it.ended_at.is_some()).collect::<Vec<_>>(), [true, false], "newest first");
    let invites = world.store.every_invite(olive.id, two).await.unwrap();
    assert_eq!(invites.rows.len(), 2);
    let rest = world.store.every_invite(olive.id, PageRequest { after: invites.next, ..two }).await.unwrap();
    assert_eq!((rest.rows.len(), rest.next), (1, None));
    assert!(rest.rows[0].voided_at.is_some());
    let links = world.store.pending_links(olive.id, world.now(), all()).await.unwrap().rows;
    assert_eq!(links.iter().map(|it| it.kind).collect::<Vec<_>>(), [LinkKind::MagicLink], "the one that is live");
    assert!(world.sign_ins().follow(&link, &client()).await.is_ok());
    assert!(world.store.pending_links(olive.id, world.now(), all()).await.unwrap().rows.is_empty());
    let mails = world.store.caused_mails(olive.id, all()).await.unwrap().rows;
    let kinds: Vec<_> = mails.iter().rev().map(|mail| mail.kind).collect();
    assert_eq!(
        kinds,
        [MailKind::TeamInvite, MailKind::TeamInvite, MailKind::TeamInvite, MailKind::MagicLink, MailKind::MagicLink]
    );
    assert!(mails.iter().all(|mail| mail.sent_at == Some(world.now())));
    assert!(world.store.caused_mails(bo.id, all()).await.unwrap().rows.is_empty());
    assert!(world.store.every_invite(bo.id, all()).await.unwrap().rows.is_empty());
    assert_eq!(world.store.every_sign_in(bo.id, all()).await.unwrap().rows.len(), 1);
}

pub async fn what_is_deleted_is_held_too<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (on(&world, "olive", Tier::ApiScale).await, world.person("bo").await);
    let two = PageRequest { limit: Limit::new(2).unwrap(), after: None };
    for name in ["desk", "shop", "yard"] {
        let order = ProfileOrder { name: people::name(name), archetype: None, description: None, metadata: None };
        let profile = world.profiles().create(&world.permit(&olive).await, order).await.unwrap();
        if name == "shop" {
            world.profiles().delete(&world.permit(&olive).await, profile.id).await.unwrap();
        }
    }
    let profiles = world.store.every_profile(olive.id, two).await.unwrap();
    let told: Vec<_> = profiles.rows.iter().map(|it| (it.name.as_str(), it.deleted_at.is_some())).collect();
    assert_eq!(told, [("yard", false), ("shop", true)]);
    let rest = world.store.every_profile(olive.id, PageRequest { after: profiles.next, ..two }).await.unwrap();
    assert_eq!((rest.rows.len(), rest.next), (1, None));

    for _ in 0..3 {
        let session = begin(&world, &olive).await;
        world.clock.advance(DAY);
        let olive = world.sign_in(&olive).await;
        world.sessions().destroy(&world.permit(&olive).await, session.id).await.unwrap();
    }
    let olive = world.sign_in(&olive).await;
    let days = world.store.every_usage_day(olive.id, two).await.unwrap();
    let today = Day::of(world.now());
    assert_eq!(days.rows.iter().map(|it| it.day).collect::<Vec<_>>(), [today, today.plus(-1)], "newest first");
    let rest = world.store.every_usage_day(olive.id, PageRequest { after: days.next, ..two }).await.unwrap();
    assert!(rest.next.is_none() && rest.rows.iter().all(|it| it.day < today.plus(-1) && it.minutes > 0));
    assert_eq!(rest.rows.len(), 2);

    let gone = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
    happen(&world, &olive, 1).await;
    let kept = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
    happen(&world, &olive, 2).await;
    world.webhooks().remove(&world.permit(&olive).await, gone).await.unwrap();
    let endpoints = world.store.every_endpoint(olive.id, all()).await.unwrap().rows;
    let told: Vec<_> = endpoints.iter().map(|it| (it.id, it.disabled_at.is_some())).collect();
    assert_eq!(told, [(kept, false), (gone, true)]);
    let events = world.store.every_event(olive.id, two).await.unwrap();
    for event in &events.rows {
        assert_eq!((event.kind, event.data["reason"].as_str()), (EventType::KeyRevoked, Some("revoked")));
        assert_eq!(event.deliveries.iter().map(|it| it.endpoint).collect::<Vec<_>>(), [gone, kept]);
        assert!(event.deliveries.iter().all(|it| it.event == event.id));
    }
    let first = world.store.every_event(olive.id, PageRequest { after: events.next, ..two }).await.unwrap().rows;
    assert_eq!(first.iter().map(|event| event.deliveries.len()).collect::<Vec<_>>(), [1]);

    let record = world.store.held_account(olive.id).await.unwrap().unwrap();
    assert!(record.email_verified_at.is_some() && !record.staff && !record.severe_declined);
    assert_eq!((record.created_at, record.active_team), (people::NOW, None));
    assert!(world.store.every_profile(bo.id, all()).await.unwrap().rows.is_empty());
    assert!(world.store.every_usage_day(bo.id, all()).await.unwrap().rows.is_empty());
    assert!(world.store.every_endpoint(bo.id, all()).await.unwrap().rows.is_empty());
    assert!(world.store.every_event(bo.id, all()).await.unwrap().rows.is_empty());
}
