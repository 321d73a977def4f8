//! Somebody of whom every table knows something, and nothing of them after the purge.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use driftstack_domain::{
    access::Permit,
    account::{AccountStatus, Edit, ProfileEdit},
    activation::Activations,
    api_key::ApiKeyStore as _,
    auth::{LogInError, SignInStore as _},
    avatar::AvatarStore as _,
    ending::{HoldingStore as _, PurgeRound},
    idempotency::{Claimed, Creation},
    limit::Bucket,
    mail::{MailPreference, OptionalMail, PreferenceStore as _},
    membership::Invite,
    mfa::MfaStore as _,
    policy::{Role, action::InviteMember},
    profile::ProfileOrder,
    secret::Digest,
    session::SessionOrder,
    staff::{OverrideOrder, Remark, StaffStore as _},
    team::TeamStore as _,
    testing::people,
    time::DAY,
    web_session::WebSessionStore as _,
    webhook::{EndpointOrder, EventType},
};

use super::{all, grace_is_over};
use crate::{
    backend::Backend,
    cases::webhooks::register,
    world::{Person, World, client, password},
};

/// What is looked for, in the ways in which it might be written.
fn found_in<'n>(dump: &BTreeMap<String, Vec<String>>, needles: &[&'n str]) -> BTreeSet<(String, &'n str)> {
    let hex = |needle: &str| {
        needle.bytes().fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    };
    let mut found = BTreeSet::new();
    for (table, rows) in dump {
        let rows: Vec<String> = rows.iter().map(|row| row.to_lowercase()).collect();
        for needle in needles {
            if rows.iter().any(|row| row.contains(needle) || row.contains(&hex(needle))) {
                found.insert((table.clone(), *needle));
            }
        }
    }
    found
}

/// Somebody of whom every table knows something.
async fn somebody_everywhere<B: Backend>(world: &World<B>, bo: &Person) -> Person {
    let mut zoe = world.person("zebedee").await;
    world.prove(&zoe).await;
    let link = world.email_change_link(&zoe, people::email("quillfeather@example.org")).await;
    world.email_changes().confirm(&link).await.unwrap();
    zoe.email = people::email("quillfeather@example.org");
    let edit = ProfileEdit {
        name: Edit::Set(people::name("Quillfeather")),
        slug: Edit::Set("quillfeather-slug".parse().unwrap()),
        time_zone: Edit::Set("Antarctica/Troll".parse().unwrap()),
        ..ProfileEdit::default()
    };
    world.accounts().edit(&world.permit(&zoe).await, edit).await.unwrap();
    let team = world.store.team_of(zoe.id).await.unwrap().unwrap();
    world.teams().rename(&world.permit(&zoe).await, team.id, people::name("Quillfeather & Co")).await.unwrap();
    register(world, bo, &[EventType::MemberAdded, EventType::MemberRemoved]).await;
    world.join(bo, &zoe, Role::Admin).await;
    world.mint(&zoe, &zoe, "quillfeather laptop").await;
    let activations = Activations::new(world.store.clone(), world.desk.clone());
    let state = "0123456789abcdef".to_owned().try_into().unwrap();
    let device = activations.initiate(&state, Some(people::name("quillfeather device"))).await.unwrap();
    activations.bind(&world.permit(&zoe).await, &device.user_code).await.unwrap();
    invite_with_an_answer(world, &zoe).await;
    let preference = MailPreference { mail: OptionalMail::TierChanged, opted_in: false };
    world.preferences().set(&world.permit(&zoe).await, preference).await.unwrap();
    world.wear(&zoe).await;
    told_by_staff(world, &zoe).await;
    keep_records(world, &zoe).await;
    world.enroll(&zoe).await;
    world.email_changes().ask(&world.permit(&zoe).await, people::email("wished@example.net")).await.unwrap();
    zoe
}

/// A profile with a session on it, and an endpoint with an event on its way to it.
async fn keep_records<B: Backend>(world: &World<B>, who: &Person) {
    let name = people::name("quillfeather shop");
    let profile = ProfileOrder { name, archetype: None, description: None, metadata: None };
    let profile = world.profiles().create(&world.permit(who).await, profile).await.unwrap();
    let label = Some(people::name("quillfeather errand"));
    let session = SessionOrder { profile: Some(profile.id), label, ..SessionOrder::default() };
    world.sessions().create(&world.permit(who).await, session).await.unwrap();
    let url = "https://quillfeather.example.org/hook".to_owned();
    let endpoint = EndpointOrder { url, events: vec![EventType::SessionCompleted], description: None };
    let endpoint = world.webhooks().create(&world.permit(who).await, endpoint).await.unwrap().endpoint;
    world.webhooks().test(&world.permit(who).await, endpoint.id).await.unwrap();
}

/// The answer to a creation holds what was created.
async fn invite_with_an_answer<B: Backend>(world: &World<B>, by: &Person) {
    let permit: Permit<InviteMember> = world.permit(by).await;
    let claimed = world.idempotency().claim(&permit, &"nightly".parse().unwrap(), Digest::of("{}")).await.unwrap();
    let Claimed::Mine(claim) = claimed else { panic!("nobody has asked before") };
    let tell = |invite: &Invite| invite.email.as_str().as_bytes().to_vec();
    let creation = Creation::claimed(&permit, &claim, &tell);
    world.invites().invite(creation, people::email("secretguest@example.com"), Role::Member).await.unwrap();
}

async fn told_by_staff<B: Backend>(world: &World<B>, who: &Person) {
    let sam = world.staffer("sam").await;
    let note: Remark = "quillfeather called".parse().unwrap();
    world.staff().write_note(&world.permit(&sam).await, who.id, &note).await.unwrap();
    let order = OverrideOrder {
        bucket: Bucket::Global,
        capacity: 1_000.try_into().unwrap(),
        refill_per_second: 10.0.try_into().unwrap(),
        life: 3600.try_into().unwrap(),
        reason: Some(note),
    };
    world.staff().set_override(&world.permit(&sam).await, who.id, &order).await.unwrap();
}

const NEEDLES: [&str; 5] = ["zebedee", "quillfeather", "secretguest", "wished@", "troll"];

pub async fn a_purge_leaves_nobody_in_any_table<B: Backend>(backend: B) {
    let world = World::new(backend);
    let bo = world.person("bo").await;
    let zoe = somebody_everywhere(&world, &bo).await;
    let before = found_in(&world.backend.dump().await, &NEEDLES);
    let tables: BTreeSet<&str> = before.iter().map(|(table, _)| table.as_str()).collect();
    let known = [
        "accounts",
        "activations",
        "api_keys",
        "idempotency",
        "invites",
        "link_requests",
        "links",
        "mails",
        "profiles",
        "sessions",
        "teams",
        "webhook_endpoints",
        "webhook_events",
    ];
    assert_eq!(tables, known.into_iter().collect(), "whoever looks finds it: {before:?}");
    assert_eq!(before.iter().map(|(_, needle)| *needle).collect::<BTreeSet<_>>(), NEEDLES.into_iter().collect());
    let log = world.log(zoe.id).await;
    let picture = world.store.seen_avatar(zoe.id).await.unwrap().unwrap();

    world.endings().delete(&world.permit(&zoe).await).await.unwrap();
    assert_eq!(grace_is_over(&world).await, PurgeRound { purged: 1, ..PurgeRound::default() });
    let after = found_in(&world.backend.dump().await, &NEEDLES);
    assert!(after.is_empty(), "{after:?}");
    let rows = world.backend.rows().await;
    assert_eq!(rows["usage_days"], 0);
    // Bo was told that somebody came and went, and not who that was.
    let told = world.store.every_event(bo.id, all()).await.unwrap().rows;
    for table in ["webhook_events", "webhook_deliveries"] {
        assert_eq!(rows[table], 2, "{table}");
    }
    assert_eq!(told.iter().map(|it| it.kind).collect::<Vec<_>>(), [EventType::MemberRemoved, EventType::MemberAdded]);
    for event in told {
        assert_eq!(
            (&event.data["member_email"], event.data["role"].as_str()),
            (&serde_json::Value::Null, Some("admin"))
        );
    }

    // What is left is a row without a name, and the log, whose chain holds; `log` looks at every link.
    let purged = world.log(zoe.id).await;
    assert_eq!(purged[..log.len()], log[..]);
    assert_eq!(purged.last().unwrap().action, "account.purged");
    let holder = world.store.seen_holder(zoe.id).await.unwrap().unwrap();
    assert_eq!((holder.status, holder.purge_at), (AccountStatus::Deleted, None));
    assert!(!holder.email_verified && holder.password.as_phc().is_empty());
    assert!(world.store.seen_factor(zoe.id).await.unwrap().is_none());
    assert!(world.store.live_sessions(zoe.id, people::NOW, all()).await.unwrap().rows.is_empty());
    assert!(world.store.keys(zoe.id, all()).await.unwrap().rows.is_empty());
    assert!(world.store.declined(zoe.id).await.unwrap().is_empty());
    assert!(world.store.account(zoe.id).await.unwrap().is_none());
    assert!(world.store.account_by_email(&holder.email).await.unwrap().is_none());
    let listed = world.store.accounts(all()).await.unwrap().rows;
    assert!(!listed.is_empty() && listed.iter().all(|row| row.account.id != zoe.id));
    assert!(matches!(
        world.sign_ins().log_in(&holder.email, &password(), &client()).await,
        Err(LogInError::InvalidCredentials)
    ));
    assert_eq!(world.store.claim_unworn(world.now(), world.now().plus(DAY), 9).await.unwrap(), [picture]);
}
