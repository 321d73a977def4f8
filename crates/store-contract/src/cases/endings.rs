//! The end of an account: `EndingStore` and `HoldingStore`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

use driftstack_domain::{
    access::{AdmitError, NotAuthenticated, Permit, Presented},
    account::{AccountStatus, AccountStore as _, Edit, ProfileEdit},
    activation::Activations,
    api_key::ApiKeyStore as _,
    audit::AuditStore as _,
    auth::{Entered, LinkKind, LogInError, SignInStore as _, SignUpError},
    avatar::AvatarStore as _,
    change::{MaybeStale as _, again_if_stale},
    ending::{EndingStore as _, GRACE, HoldingStore as _, PurgeRound, SeenEnding, SeenPurge},
    idempotency::{Claimed, Creation},
    limit::Bucket,
    mail::{MailKind, MailPreference, OptionalMail, PreferenceStore as _},
    membership::{Invite, InviteStore as _, MembershipStore as _},
    mfa::{MfaStore as _, PERIOD},
    page::{Limit, PageRequest},
    policy::{
        Denied, Role,
        action::{AcceptInvite, DeleteAccount, InviteMember, ListKeys, WhoAmI},
    },
    profile::ProfileOrder,
    secret::{Digest, OwnKey, Sealed, UnsealError, Vault},
    session::{SessionOrder, SessionStore as _},
    staff::{OverrideOrder, Remark, StaffStore as _},
    team::TeamStore as _,
    testing::{GlassVault, people},
    tier::Tier,
    time::{DAY, MINUTE},
    usage::{Day, DayMinutes, UsageStore as _},
    web_session::WebSessionStore as _,
    webhook::{EndpointOrder, EventType, WebhookStore as _},
};

use super::{
    sessions::{begin, on},
    webhooks::{claim, happen, listed, mark, ok, register},
};
use crate::{
    backend::Backend,
    forge,
    world::{Attempt, Person, World, client, order, password, pause, presented, race},
};

/// Somebody deletes their account, having proven that it is them.
async fn delete<B: Backend>(world: &World<B>, who: &Person) {
    world.prove(who).await;
    world.endings().delete(&world.permit(who).await).await.unwrap();
}

async fn grace_is_over<B: Backend>(world: &World<B>) -> PurgeRound {
    world.clock.advance(GRACE);
    world.purger().round(None).await.unwrap()
}

async fn status<B: Backend>(world: &World<B>, who: &Person) -> AccountStatus {
    world.store.seen_holder(who.id).await.unwrap().unwrap().status
}

async fn may<B: Backend>(world: &World<B>, shown: &Presented) -> bool {
    world.doorkeeper().admit::<WhoAmI>(shown, None).await.is_ok()
}

fn all() -> PageRequest {
    PageRequest { limit: Limit::new(100).unwrap(), after: None }
}

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

/// An account as it might have been seen when it was due.
async fn as_if_due<B: Backend>(world: &World<B>, who: &Person) -> SeenPurge {
    let seen = world.store.seen_holder(who.id).await.unwrap().unwrap();
    let purge_at = seen.purge_at.unwrap_or(people::NOW);
    SeenPurge { account: who.id, purge_at, email: seen.email, avatar: None, revision: seen.revision }
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

pub async fn what_a_log_says_of_people_is_told_until_the_purge<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    world.invites().invite(&world.permit(&olive).await, ada.email.clone(), Role::Admin).await.unwrap();
    let told = async || world.told(olive.id).await.into_iter().nth(2).unwrap();
    let entry = told().await;
    let payload = entry.payload.unwrap();
    assert_eq!((&payload["invitee_email"], &payload["role"]), (&ada.email.as_str().into(), &"admin".into()));
    let entries = world.backend.dump().await["audit_entries"].join("\n").to_lowercase();
    assert!(!entries.contains("ada@") && !entries.contains("616461406578616d706c65"), "{entries}");
    assert!(entries.contains("member_invited") && entries.contains("invitee_email"), "it is the right table");
    delete(&world, &olive).await;
    assert!(told().await.personal.unwrap()["invitee_email"].salt.is_some(), "not before the purge");
    grace_is_over(&world).await;
    let erased = told().await;
    assert_eq!(erased.payload.unwrap()["invitee_email"], serde_json::Value::Null);
    assert_eq!(erased.hash, entry.hash);
    assert!(world.store.own_keys(olive.id).await.unwrap().is_empty());
}

pub async fn a_log_has_one_key<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    assert!(world.store.own_keys(olive.id).await.unwrap().is_empty(), "none before it says something of somebody");
    world.mint(&olive, &olive, "first").await;
    let key = world.store.own_keys(olive.id).await.unwrap();
    assert_eq!(key.len(), 1);
    let mint = async |n: usize| {
        let mint = async |permit| world.keys().mint(&permit, order(&format!("key {n}"))).await;
        world.call(ada.presented, None, mint).await.map(drop)
    };
    for minted in race(4, mint).await {
        minted.unwrap();
    }
    world.mint(&olive, &olive, "second").await;
    assert_eq!(world.store.own_keys(olive.id).await.unwrap(), key);
    assert_eq!(world.backend.rows().await["account_keys"], 2);
    let names = async |who: &Person| {
        let minted = world.told(who.id).await.into_iter().filter(|entry| entry.action == "api_key.minted");
        minted.map(|entry| entry.payload.unwrap()["name"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&olive).await, ["first", "second"].map(str::to_owned).into());
    assert_eq!(names(&ada).await, ["key 0", "key 1", "key 2", "key 3"].map(str::to_owned).into());
}

pub async fn a_key_that_the_vault_has_lost_keeps_nobody_from_the_log<B: Backend>(backend: B) {
    let mut world = World::new(backend);
    let olive = world.person("olive").await;
    world.mint(&olive, &olive, "before").await;
    let names = async |world: &World<B>| {
        let minted = world.told(olive.id).await.into_iter().filter(|entry| entry.action == "api_key.minted");
        minted.map(|entry| entry.payload.unwrap()["name"].clone()).collect::<Vec<_>>()
    };
    let had = std::mem::replace(&mut Arc::get_mut(&mut world).unwrap().desk.vault, Arc::new(AnotherVault));
    assert_eq!(names(&*world).await, [serde_json::Value::Null]);
    world.mint(&olive, &olive, "after").await;
    world.mint(&olive, &olive, "later").await;
    assert_eq!(world.store.own_keys(olive.id).await.unwrap().len(), 2, "one more, and not one for each");
    assert_eq!(names(&*world).await, [serde_json::Value::Null, "after".into(), "later".into()]);
    Arc::get_mut(&mut world).unwrap().desk.vault = had;
    assert_eq!(names(&*world).await[0], "before", "what was found again opens again");
}

/// A vault that knows nothing of what the other one has sealed.
struct AnotherVault;

impl Vault for AnotherVault {
    fn seal(&self, context: &str, plain: &[u8]) -> Sealed {
        GlassVault.seal(&format!("another {context}"), plain)
    }

    fn unseal(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError> {
        GlassVault.unseal(&format!("another {context}"), sealed)
    }

    fn own_key(&self, context: &str) -> OwnKey {
        OwnKey { context: context.to_owned(), sealed: self.seal(context, context.as_bytes()) }
    }

    fn seal_under(&self, key: &OwnKey, context: &str, plain: &[u8]) -> Result<Sealed, UnsealError> {
        GlassVault.seal_under(&OwnKey { context: format!("another {}", key.context), ..key.clone() }, context, plain)
    }

    fn unseal_under(&self, key: &OwnKey, context: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError> {
        GlassVault.unseal_under(&OwnKey { context: format!("another {}", key.context), ..key.clone() }, context, sealed)
    }

    fn fingerprint(&self, context: &str, plain: &[u8]) -> Digest {
        GlassVault.fingerprint(context, plain)
    }

    fn recognises(&self, context: &str, plain: &[u8], fingerprint: &Digest) -> bool {
        GlassVault.recognises(context, plain, fingerprint)
    }
}

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

pub async fn a_picture_that_the_sweeper_has_keeps_no_account<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    delete(&world, &olive).await;
    world.clock.advance(GRACE);
    let seen = SeenPurge { avatar: Some(people::avatar()), ..as_if_due(&world, &olive).await };
    world.store.commit_purge(&forge::purge(&world.desk, seen).await).await.unwrap();
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
