//! What one of many gets, and nobody else.

use std::collections::HashSet;

use driftstack_domain::{
    access::Permit,
    account::{AccountStore as _, EditError},
    auth::{ConfirmEmailError, SignUpError, VerifyError},
    change::{MaybeStale as _, again_if_stale},
    mail::Outbox as _,
    membership::{AcceptError, MembershipStore as _},
    page::PageRequest,
    policy::{
        Role,
        action::{AcceptInvite, EditAccount},
    },
    testing::people,
    time::MINUTE,
    web_session::RefreshError,
};

use super::{slug, wins};
use crate::{
    backend::Backend,
    world::{Attempt, World, agent, password, pause, race, rows},
};

const RUNNERS: usize = 16;

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
