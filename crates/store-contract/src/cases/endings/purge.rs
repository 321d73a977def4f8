//! When a purge is due, and what it takes with it.

use std::collections::BTreeMap;

use driftstack_domain::{
    access::Permit,
    account::{Edit, ProfileEdit},
    auth::{SignInStore as _, SignUpError},
    change::MaybeStale as _,
    ending::{EndingStore as _, GRACE, PurgeRound, SeenPurge},
    mail::MailKind,
    membership::InviteStore as _,
    policy::{Role, action::InviteMember},
    testing::people,
    time::{DAY, MINUTE},
};

use super::{all, as_if_due, delete, grace_is_over};
use crate::{
    backend::Backend,
    forge,
    world::{World, password},
};

pub async fn address_and_handle_are_free_after_the_purge_alone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let slug = || ProfileEdit { slug: Edit::Set("acme".parse().unwrap()), ..ProfileEdit::default() };
    world.accounts().edit(&world.permit(&olive).await, slug()).await.unwrap();
    delete(&world, &olive).await;
    let sign_up = async || world.sign_ups().sign_up(olive.email.clone(), &password(), None).await;
    assert!(matches!(sign_up().await, Err(SignUpError::EmailTaken)));
    assert!(world.accounts().edit(&world.permit(&bo).await, slug()).await.is_err());
    assert_eq!(grace_is_over(&world).await, PurgeRound { purged: 1, ..PurgeRound::default() });
    let bo = world.sign_in(&bo).await;
    world.accounts().edit(&world.permit(&bo).await, slug()).await.unwrap();
    sign_up().await.unwrap();
    let newcomer = world.store.seen_sign_in(&olive.email).await.unwrap().unwrap();
    assert_ne!(newcomer.account, olive.id);
}

pub async fn a_purge_is_due_after_the_grace<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada, _bo) = (world.person("olive").await, world.person("ada").await, world.person("bo").await);
    delete(&world, &ada).await;
    world.clock.advance(DAY);
    let olive = world.sign_in(&olive).await;
    delete(&world, &olive).await;
    let due = async || {
        let due = world.store.due_purges(world.now(), None, 9).await.unwrap();
        due.into_iter().map(|seen| seen.account).collect::<Vec<_>>()
    };
    world.clock.advance(GRACE.saturating_sub(DAY).saturating_sub(MINUTE));
    assert!(due().await.is_empty());
    assert_eq!(world.purger().round(None).await.unwrap(), PurgeRound::default());
    world.clock.advance(MINUTE);
    assert_eq!(due().await, [ada.id]);
    world.clock.advance(DAY);
    assert_eq!(due().await, [ada.id, olive.id], "the longest first");
    let [first] = &world.store.due_purges(world.now(), None, 1).await.unwrap()[..] else { panic!("one at a time") };
    assert_eq!(world.store.due_purge(ada.id, world.now()).await.unwrap().as_ref(), Some(first));
    assert_eq!(world.store.due_purge(ada.id, people::NOW).await.unwrap(), None);
    let behind = world.store.due_purges(world.now(), Some(first.place()), 9).await.unwrap();
    assert_eq!(behind.iter().map(|seen| seen.account).collect::<Vec<_>>(), [olive.id]);
    assert!(world.store.due_purges(world.now(), Some(behind[0].place()), 9).await.unwrap().is_empty());
    assert_eq!(world.purger().round(None).await.unwrap().purged, 2);
    assert!(due().await.is_empty());
}

pub async fn a_purge_of_one_leaves_the_others_alone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    world.join(&ada, &olive, Role::Member).await;
    world.mint(&ada, &ada, "ada's").await;
    let eve = people::email("eve@example.com");
    world.invites().invite(&world.permit(&ada).await, eve, Role::Member).await.unwrap();
    world.post().await;
    world.wear(&ada).await;
    delete(&world, &olive).await;
    world.clock.advance(GRACE.saturating_sub(MINUTE));
    let permit: Permit<InviteMember> = world.permit(&world.sign_in(&ada).await).await;
    world.invites().invite(&permit, olive.email.clone(), Role::Member).await.unwrap();
    world.clock.advance(MINUTE);
    let rows = |dump: &BTreeMap<String, Vec<String>>, table: &str, of: &str| {
        dump[table].iter().filter(|row| row.to_lowercase().contains(of)).count()
    };
    let before = world.backend.dump().await;
    let told = world.told(ada.id).await;
    assert_eq!(world.purger().round(None).await.unwrap().purged, 1);
    let after = world.backend.dump().await;
    let id: String = ada.id.uuid().as_hyphenated().to_string();
    for table in ["accounts", "teams", "api_keys", "web_sessions", "account_keys", "audit_entries", "avatars"] {
        let (hyphens, plain) = (id.as_str(), id.replace('-', ""));
        let count = |dump| rows(dump, table, hyphens) + rows(dump, table, &plain);
        assert!(count(&before) > 0, "{table}");
        assert_eq!(count(&before), count(&after), "{table}");
    }
    assert_eq!(world.told(ada.id).await, told, "what others have written is theirs");
    let pending = world.store.pending_invites(ada.id, world.now(), all()).await.unwrap().rows;
    assert_eq!(pending.iter().map(|invite| &invite.email).collect::<Vec<_>>(), [&olive.email], "it may be accepted");
    let count = |dump| rows(dump, "mails", olive.email.as_str());
    assert_eq!((count(&before), count(&after)), (3, 1), "but for the invite that waits");
    let sent = world.post().await;
    assert_eq!(
        sent.iter().map(|mail| (&mail.to, mail.content.kind())).collect::<Vec<_>>(),
        [(&olive.email, MailKind::TeamInvite)]
    );
}

pub async fn a_purge_needs_a_deleted_account_that_is_due<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    delete(&world, &olive).await;
    world.clock.advance(GRACE.saturating_sub(MINUTE));
    let before = world.backend.rows().await;
    for who in [&olive, &bo] {
        let it = forge::purge(&world.desk, as_if_due(&world, who).await).await;
        assert!(world.store.commit_purge(&it).await.unwrap_err().is_stale());
    }
    assert_eq!(world.backend.rows().await, before);
    world.clock.advance(MINUTE);
    let seen = as_if_due(&world, &olive).await;
    let (one, other) = (forge::purge(&world.desk, seen.clone()).await, forge::purge(&world.desk, seen).await);
    world.store.commit_purge(&one).await.unwrap();
    assert!(world.store.commit_purge(&other).await.unwrap_err().is_stale());
    // Nor one that is purged already.
    let again = forge::purge(&world.desk, as_if_due(&world, &olive).await).await;
    assert!(world.store.commit_purge(&again).await.unwrap_err().is_stale());
}

pub async fn a_purge_that_fails_half_way_has_erased_nothing<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    world.mint(&olive, &olive, "own").await;
    delete(&world, &olive).await;
    world.clock.advance(GRACE);
    let before = world.backend.dump().await;
    let mut it = forge::purge(&world.desk, as_if_due(&world, &olive).await).await;
    // An entry that is there already: the log is written when all else is done.
    it.change.effects.audit[0].id = world.log(olive.id).await[0].id;
    assert!(world.store.commit_purge(&it).await.is_err());
    assert_eq!(world.backend.dump().await, before);
}

pub async fn a_picture_that_the_sweeper_has_keeps_no_account<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    delete(&world, &olive).await;
    world.clock.advance(GRACE);
    let seen = SeenPurge { avatar: Some(people::avatar()), ..as_if_due(&world, &olive).await };
    world.store.commit_purge(&forge::purge(&world.desk, seen).await).await.unwrap();
}
