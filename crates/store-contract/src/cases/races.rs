//! What happens when many want the same thing at once.
//!
//! Each runner has a thread of its own and calls as the HTTP layer does: it is asked at the door again before it tries again.

use std::collections::HashSet;

use driftstack_domain::{
    access::{AdmitError, CallerStore as _, Permit, Presented},
    account::{AccountStore as _, Edit, EditError, ProfileEdit},
    api_key::ApiKeyStore as _,
    auth::{ChallengeError, ConfirmEmailError, SignUpError, VerifyError},
    change::{MaybeStale as _, again_if_stale},
    limit::Bucket,
    mail::{MailPreference, OptionalMail, Outbox as _},
    membership::{AcceptError, MembershipStore as _},
    mfa::{Answer, AnswerError, MfaStore as _, PERIOD, RECOVERY_CODES},
    page::PageRequest,
    policy::{
        Denied, Role, Standing,
        action::{
            AcceptInvite, EditAccount, MintKey, RemoveMember, SetOverride, SetPreference, SetTier, TransferOwnership,
        },
    },
    profile::{ProfileOrder, ProfilePatch},
    session::SessionOrder,
    staff::{OverrideOrder, StaffStore as _},
    testing::people,
    tier::{Tier, effective_quota},
    time::{HOUR, MINUTE},
    web_session::RefreshError,
};

use super::sessions;
use crate::{
    backend::Backend,
    world::{Attempt, Person, World, agent, client, order, password, pause, race, rows},
};

const RUNNERS: usize = 16;

fn wins<T, E>(outcomes: &[Result<T, E>]) -> usize {
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

fn slug(text: &str) -> ProfileEdit {
    ProfileEdit { slug: Edit::Set(text.parse().unwrap()), ..ProfileEdit::default() }
}

pub async fn one_slug_goes_to_one_of_sixteen_accounts<B: Backend>(backend: B) {
    let world = World::new(backend);
    let mut accounts = Vec::new();
    for n in 0..RUNNERS {
        accounts.push(world.person(&format!("runner{n}")).await);
    }
    let before = world.backend.rows().await;
    let edit = async |permit: Permit<EditAccount>| world.accounts().edit(&permit, slug("acme")).await;
    let outcomes = race(RUNNERS, |n| world.call(accounts[n].presented, None, edit)).await;
    assert_eq!(wins(&outcomes), 1);
    let taken = |outcome: &Result<_, _>| matches!(outcome, Err(Attempt::Use(EditError::SlugTaken)));
    assert_eq!(outcomes.iter().filter(|outcome| taken(outcome)).count(), RUNNERS - 1, "{outcomes:?}");
    assert_eq!(world.grown_since(&before).await, rows([("audit_entries", 1)]));
    for (who, outcome) in accounts.iter().zip(&outcomes) {
        let account = world.store.own_account(who.id).await.unwrap().unwrap().account;
        assert_eq!(account.slug.is_some(), outcome.is_ok());
        assert_eq!(world.log(who.id).await.len(), if outcome.is_ok() { 3 } else { 2 });
    }
}

pub async fn one_invite_makes_one_member<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let token = world.invite(&olive, &ada, Role::Member).await;
    let before = world.backend.rows().await;
    let accept = async |permit: Permit<AcceptInvite>| world.invites().accept(&permit, &token).await;
    let outcomes = race(RUNNERS, |_| world.call(ada.presented, None, accept)).await;
    assert_eq!(wins(&outcomes), 1);
    let used = |outcome: &Result<_, _>| matches!(outcome, Err(Attempt::Use(AcceptError::InvalidToken)));
    assert_eq!(outcomes.iter().filter(|outcome| used(outcome)).count(), RUNNERS - 1, "{outcomes:?}");
    assert_eq!(world.grown_since(&before).await, rows([("memberships", 1), ("audit_entries", 1)]));
    assert_eq!(world.store.members(olive.id, PageRequest::default()).await.unwrap().rows.len(), 1);
    world.log(olive.id).await;
}

pub async fn one_address_makes_one_account<B: Backend>(backend: B) {
    let world = World::new(backend);
    let before = world.backend.rows().await;
    let sign_up = async || world.sign_ups().sign_up(people::email("ada@example.com"), &password(), None).await;
    let outcomes = race(RUNNERS, |_| sign_up()).await;
    assert_eq!(wins(&outcomes), 1);
    let taken = |outcome: &Result<_, _>| matches!(outcome, Err(SignUpError::EmailTaken));
    assert_eq!(outcomes.iter().filter(|outcome| taken(outcome)).count(), RUNNERS - 1, "{outcomes:?}");
    let one = [
        ("accounts", 1),
        ("account_numbers", 1),
        ("teams", 1),
        ("team_numbers", 1),
        ("links", 1),
        ("audit_entries", 1),
        ("mails", 1),
    ];
    assert_eq!(world.grown_since(&before).await, rows(one));
    assert_eq!(world.post().await.len(), 1);
}

pub async fn one_link_verifies_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let email = people::email("ada@example.com");
    world.sign_ups().sign_up(email.clone(), &password(), None).await.unwrap();
    let token = world.mailed_token(&email).await;
    let before = world.backend.rows().await;
    let verify = async || again_if_stale(async || world.sign_ins().verify(&token, agent()).await, pause).await;
    let outcomes = race(8, |_| verify()).await;
    assert_eq!(wins(&outcomes), 1);
    let used = |outcome: &Result<_, _>| matches!(outcome, Err(VerifyError::InvalidToken));
    assert_eq!(outcomes.iter().filter(|outcome| used(outcome)).count(), 7, "{outcomes:?}");
    let once = [("web_sessions", 1), ("audit_entries", 1), ("mails", 1)];
    assert_eq!(world.grown_since(&before).await, rows(once));
    world.log(outcomes.into_iter().flatten().next().unwrap().account).await;
}

pub async fn one_address_is_moved_to_by_one_of_eight_accounts<B: Backend>(backend: B) {
    let world = World::new(backend);
    let wanted = people::email("wanted@example.org");
    let mut links = Vec::new();
    for n in 0..8 {
        let who = world.person(&format!("runner{n}")).await;
        world.prove(&who).await;
        let link = world.email_change_link(&who, wanted.clone()).await;
        links.push((who, link));
    }
    let before = world.backend.rows().await;
    let confirm = async |n: usize| {
        let (_, link) = &links[n];
        again_if_stale(async || world.email_changes().confirm(link).await, pause).await
    };
    let outcomes = race(links.len(), confirm).await;
    assert_eq!(wins(&outcomes), 1, "{outcomes:?}");
    let taken = |outcome: &Result<_, _>| matches!(outcome, Err(ConfirmEmailError::EmailTaken));
    assert_eq!(outcomes.iter().filter(|outcome| taken(outcome)).count(), 7, "{outcomes:?}");
    assert_eq!(world.grown_since(&before).await, rows([("account_keys", 1), ("audit_entries", 1), ("mails", 1)]));
    for ((who, _), outcome) in links.iter().zip(&outcomes) {
        let email = world.store.own_account(who.id).await.unwrap().unwrap().account.email;
        assert_eq!(&email, if outcome.is_ok() { &wanted } else { &who.email });
        world.log(who.id).await;
    }
}

pub async fn one_link_moves_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    world.prove(&olive).await;
    let link = world.email_change_link(&olive, people::email("olive@example.org")).await;
    let before = world.backend.rows().await;
    let confirm = async || again_if_stale(async || world.email_changes().confirm(&link).await, pause).await;
    let outcomes = race(8, |_| confirm()).await;
    assert_eq!(wins(&outcomes), 1, "{outcomes:?}");
    let used = |outcome: &Result<_, _>| matches!(outcome, Err(ConfirmEmailError::InvalidToken));
    assert_eq!(outcomes.iter().filter(|outcome| used(outcome)).count(), 7, "{outcomes:?}");
    assert_eq!(world.grown_since(&before).await, rows([("account_keys", 1), ("audit_entries", 1), ("mails", 1)]));
}

pub async fn one_session_is_renewed_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let before = world.backend.rows().await;
    // No second try: that would be showing a token that was refreshed away, and end the session.
    let refresh = async || world.web_sessions().refresh(&olive.token).await;
    let outcomes = race(8, |_| refresh()).await;
    assert_eq!(wins(&outcomes), 1, "{outcomes:?}");
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert!(refused.is_stale() || matches!(refused, RefreshError::SessionOver), "{refused:?}");
    }
    let grown = world.grown_since(&before).await;
    assert!(
        grown == rows([]) || grown == rows([("audit_entries", 1)]),
        "renewed, and ended at the most once: {grown:?}"
    );
    world.log(olive.id).await;
}

async fn answers_at_once<B: Backend>(
    world: &World<B>,
    who: &Person,
    answer: &Answer,
    runners: usize,
) -> Vec<Result<(), ChallengeError>> {
    let mut tokens = Vec::new();
    for _ in 0..runners {
        tokens.push(world.challenge(who).await);
    }
    let answer_one = async |n: usize| {
        let attempt = async || world.sign_ins().answer(&tokens[n], answer, &client()).await;
        again_if_stale(attempt, pause).await.map(drop)
    };
    race(runners, answer_one).await
}

pub async fn one_code_opens_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    world.clock.advance(PERIOD);
    let outcomes = answers_at_once(&world, &olive, &phone.code(world.now()), 8).await;
    assert_eq!(wins(&outcomes), 1, "{outcomes:?}");
    world.log(olive.id).await;
}

pub async fn one_recovery_code_opens_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    let outcomes = answers_at_once(&world, &olive, &phone.recovery(3), 8).await;
    assert_eq!(wins(&outcomes), 1, "{outcomes:?}");
    assert_eq!(world.store.seen_factor(olive.id).await.unwrap().unwrap().recovery.len(), RECOVERY_CODES - 1);
}

pub async fn many_guesses_at_once_are_ten_guesses<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    let wrong = phone.code(world.now().plus(HOUR));
    let outcomes = answers_at_once(&world, &olive, &wrong, 16).await;
    let looked_at = |outcome: &&Result<_, _>| matches!(outcome, Err(ChallengeError::Answer(AnswerError::WrongCode)));
    assert!(outcomes.iter().filter(looked_at).count() <= 10, "{outcomes:?}");
    let paused = world.actions(olive.id).await.iter().filter(|action| *action == "account.mfa_paused").count();
    assert!(paused <= 1, "the owner is told once");
}

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

pub async fn two_claimers_share_no_mail<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for n in 0..12 {
        let guest = people::email(&format!("guest{n}@example.com"));
        world.invites().invite(&world.permit(&olive).await, guest, Role::Member).await.unwrap();
    }
    let (now, until) = (world.now(), world.now().plus(MINUTE));
    let claim = async || {
        let mut mine = Vec::new();
        loop {
            let claimed = world.store.claim(now, until, 2).await.unwrap();
            if claimed.is_empty() {
                return mine;
            }
            mine.extend(claimed.into_iter().map(|it| it.mail.id));
        }
    };
    let claimed = race(4, |_| claim()).await.concat();
    assert_eq!(claimed.len(), 12);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 12);
}

pub async fn two_staff_set_tiers_at_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, sue, olive) = (world.staffer("sam").await, world.staffer("sue").await, world.person("olive").await);
    for round in [[Tier::SoloManual, Tier::ApiScale], [Tier::Free, Tier::Enterprise]] {
        let before = world.log(olive.id).await.len();
        let set = async |n: usize| {
            let by = if n == 0 { &sam } else { &sue };
            let set = async |permit: Permit<SetTier>| world.staff().set_tier(&permit, olive.id, round[n], None).await;
            world.call(by.presented, None, set).await
        };
        let outcomes = race(2, set).await;
        assert_eq!(wins(&outcomes), 2, "{outcomes:?}");
        // Whoever came second saw what the first had done.
        let log = world.log(olive.id).await;
        let changes: Vec<_> =
            log[before..].iter().map(|entry| (&entry.payload["from"], &entry.payload["to"])).collect();
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].1, changes[1].0);
        let tier = world.store.account(olive.id).await.unwrap().unwrap().account.tier;
        assert_eq!(changes[1].1, tier.as_str());
    }
    assert_eq!((world.log(sam.id).await.len(), world.log(sue.id).await.len()), (5, 5));
}

pub async fn a_caller_sees_an_override_whole<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive) = (world.staffer("sam").await, world.person("olive").await);
    let run = async |n: usize| {
        for round in 0..20 {
            if n == 0 {
                let order = order_of(round % 2 * 10 + 5);
                let set =
                    async |permit: Permit<SetOverride>| world.staff().set_override(&permit, olive.id, &order).await;
                world.call(sam.presented, None, set).await.unwrap();
            } else {
                let caller = world.store.seen_caller(&olive.presented, None).await.unwrap().unwrap();
                let quota = effective_quota(caller.tier, &caller.overrides, Bucket::Global, world.now());
                let pair = (quota.quota.capacity(), quota.refill_per_second);
                assert!([(60, 1.0), (5, 5.0), (15, 15.0)].contains(&pair), "{pair:?}");
            }
        }
    };
    race(4, run).await;
    assert_eq!(world.log(olive.id).await.len(), 2 + 20);
}

fn order_of(both: u32) -> OverrideOrder {
    OverrideOrder { refill_per_second: f64::from(both).try_into().unwrap(), ..super::staff::order(both) }
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
