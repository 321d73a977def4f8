//! Another e-mail address: `LinkStore` and `SignInStore`.

use driftstack_domain::{
    account::{AccountStatus, AccountStore as _},
    auth::{ChangeEmailError, ConfirmEmailError, LinkKind, LinkStore as _, SignInStore as _},
    change::MaybeStale as _,
    email::Email,
    mail::MailKind,
    membership::InviteStore as _,
    page::PageRequest,
    policy::{Role, action::WhoAmI},
    secret::LinkToken,
    testing::people,
    time::MINUTE,
};

use crate::{
    backend::Backend,
    forge,
    world::{Person, World, client, password, rows},
};

fn new() -> Email {
    people::email("olive@example.org")
}

/// Somebody who has just proven that it is them, and has read the mails so far.
async fn proven<B: Backend>(world: &World<B>, name: &str) -> Person {
    let who = world.person(name).await;
    world.prove(&who).await;
    world.post().await;
    who
}

async fn spent<B: Backend>(world: &World<B>, token: &LinkToken) -> bool {
    world.store.seen_link(&token.digest()).await.unwrap().unwrap().spent
}

async fn mailed<B: Backend>(world: &World<B>) -> Vec<(Email, MailKind)> {
    world.post().await.into_iter().map(|mail| (mail.to, mail.content.kind())).collect()
}

pub async fn a_wish_does_not_depend_on_an_account<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (proven(&world, "olive").await, world.person("bo").await);
    let log = world.actions(olive.id).await;
    let ask = async |email| world.email_changes().ask(&world.permit(&olive).await, email).await;
    // The second wish takes the first one's place.
    for (email, requests) in [(new(), 1), (bo.email, 0)] {
        let before = world.backend.rows().await;
        ask(email.clone()).await.unwrap();
        let grown = if requests > 0 { vec![("link_requests", 1), ("mails", 1)] } else { vec![("mails", 1)] };
        assert_eq!(world.grown_since(&before).await, grown.into_iter().map(|(t, n)| (t.to_owned(), n)).collect());
        let noted = world.store.asked(9).await.unwrap();
        assert_eq!(
            noted.iter().map(|it| (it.kind, &it.email, it.account)).collect::<Vec<_>>(),
            [(LinkKind::EmailChange, &email, Some(olive.id))]
        );
        assert_eq!(mailed(&world).await, [(olive.email.clone(), MailKind::EmailChangeNotice)]);
    }
    assert_eq!(world.actions(olive.id).await, log);
    assert!(matches!(ask(olive.email.clone()).await, Err(ChangeEmailError::SameAddress)));
}

pub async fn a_wish_wakes_the_clerk<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = proven(&world, "olive").await;
    // Whatever was there to wake somebody is heard now.
    world.store.wanted().await;
    world.email_changes().ask(&world.permit(&olive).await, new()).await.unwrap();
    assert!(tokio::time::timeout(std::time::Duration::from_millis(500), world.store.wanted()).await.is_ok());
}

pub async fn a_later_wish_voids_the_earlier_link_at_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (proven(&world, "olive").await, world.person("bo").await);
    for email in [people::email("another@example.org"), bo.email] {
        let first = world.email_change_link(&olive, new()).await;
        let magic = world.link(LinkKind::MagicLink, &olive.email).await;
        assert!(!spent(&world, &first).await);
        world.email_changes().ask(&world.permit(&olive).await, email).await.unwrap();
        // Before anybody has looked whether the later address is free.
        assert!(spent(&world, &first).await);
        assert!(matches!(world.email_changes().confirm(&first).await, Err(ConfirmEmailError::InvalidToken)));
        assert!(!spent(&world, &magic).await, "what has nothing to do with it");
    }
}

pub async fn a_link_goes_to_a_free_address_alone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (proven(&world, "olive").await, world.person("bo").await);
    let before = world.backend.rows().await;
    for (email, kinds) in [(bo.email, vec![]), (new(), vec![MailKind::EmailChange])] {
        world.email_changes().ask(&world.permit(&olive).await, email.clone()).await.unwrap();
        world.clerk().round().await.unwrap();
        let there: Vec<_> = mailed(&world).await.into_iter().filter(|(to, _)| *to == email).collect();
        assert_eq!(there.into_iter().map(|(_, kind)| kind).collect::<Vec<_>>(), kinds);
    }
    assert_eq!(world.grown_since(&before).await, rows([("links", 1), ("mails", 3)]));
}

pub async fn a_confirmed_change_is_stored_whole<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (proven(&world, "olive").await, world.person("ada").await);
    let other = world.sign_in(&olive).await;
    let invite = world.invite(&ada, &olive, Role::Member).await;
    let magic = world.link(LinkKind::MagicLink, &olive.email).await;
    let reset = world.link(LinkKind::PasswordReset, &olive.email).await;
    let token = world.email_change_link(&olive, new()).await;
    let before = world.backend.rows().await;
    world.clock.advance(MINUTE);
    world.email_changes().confirm(&token).await.unwrap();

    assert_eq!(world.grown_since(&before).await, rows([("account_keys", 1), ("audit_entries", 1), ("mails", 1)]));
    assert_eq!(mailed(&world).await, [(olive.email.clone(), MailKind::EmailChanged)]);
    let account = world.store.own_account(olive.id).await.unwrap().unwrap().account;
    assert_eq!((account.email, account.updated_at), (new(), world.now()));
    let seen = world.store.seen_sign_in(&new()).await.unwrap().unwrap();
    assert_eq!((seen.account, seen.email_verified), (olive.id, true));
    assert_eq!(world.store.seen_sign_in(&olive.email).await.unwrap(), None);
    let entry = world.log(olive.id).await.pop().unwrap();
    assert_eq!((entry.action.as_str(), entry.payload.len()), ("account.email_changed", 0));
    for link in [&magic, &reset, &token] {
        assert!(spent(&world, link).await);
    }
    for browser in [&olive, &other] {
        assert!(world.doorkeeper().admit::<WhoAmI>(&browser.presented, None).await.is_ok(), "who is in stays in");
    }
    world.log_in(&new()).await;
    assert!(world.sign_ins().log_in(&olive.email, &password(), &client()).await.is_err());
    let invites = world.store.pending_invites(ada.id, world.now(), PageRequest::default()).await.unwrap().rows;
    assert_eq!(invites[0].email, olive.email, "an invite stays with the address that it was sent to");
    assert!(world.invites().accept(&world.permit(&olive).await, &invite).await.is_err());
}

pub async fn a_confirmed_change_forgets_the_challenges<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    world.step_ups().with_factor(&world.permit(&olive).await, &phone.recovery(0)).await.unwrap();
    let (begun, token) = (world.challenge(&olive).await, world.email_change_link(&olive, new()).await);
    world.email_changes().confirm(&token).await.unwrap();
    assert_eq!(world.store.seen_challenge(&begun.digest()).await.unwrap(), None);
}

pub async fn a_change_that_is_spent_moves_nobody<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = proven(&world, "olive").await;
    let voided = world.email_change_link(&olive, people::email("another@example.org")).await;
    let used = world.email_change_link(&olive, new()).await;
    world.email_changes().confirm(&used).await.unwrap();
    for token in [voided, used] {
        // As if it were good, and with the revision of now.
        let mut seen = world.store.seen_link(&token.digest()).await.unwrap().unwrap();
        assert!(std::mem::take(&mut seen.spent));
        let before = world.backend.rows().await;
        let again = forge::email_change(&world.desk, seen).await;
        assert!(world.store.commit_email_change(&again).await.unwrap_err().is_stale());
        assert_eq!(world.backend.rows().await, before);
    }
    assert_eq!(world.store.own_account(olive.id).await.unwrap().unwrap().account.email, new());
}

pub async fn an_address_that_was_taken_meanwhile_moves_nobody<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = proven(&world, "olive").await;
    let token = world.email_change_link(&olive, new()).await;
    world.sign_ups().sign_up(new(), &password(), None).await.unwrap();
    world.post().await;
    let (before, log) = (world.backend.rows().await, world.actions(olive.id).await);
    let refused = world.email_changes().confirm(&token).await;
    assert!(matches!(refused, Err(ConfirmEmailError::EmailTaken)), "{refused:?}");
    assert_eq!((world.backend.rows().await, world.actions(olive.id).await), (before, log));
    assert!(!spent(&world, &token).await);
    assert_eq!(world.store.own_account(olive.id).await.unwrap().unwrap().account.email, olive.email);
    assert!(world.post().await.is_empty());
}

pub async fn nobody_moves_who_may_not_sign_in<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = proven(&world, "olive").await;
    let token = world.email_change_link(&olive, new()).await;
    for status in [AccountStatus::Suspended, AccountStatus::Deleted] {
        world.backend.set_status(olive.id, status).await;
        let refused = world.email_changes().confirm(&token).await;
        assert!(matches!(refused, Err(ConfirmEmailError::InvalidToken)), "{refused:?}");
    }
    assert_eq!(world.store.own_account(olive.id).await.unwrap().unwrap().account.email, olive.email);
}

pub async fn a_reset_voids_the_wish<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = proven(&world, "olive").await;
    let made = world.email_change_link(&olive, new()).await;
    let reset = world.link(LinkKind::PasswordReset, &olive.email).await;
    world.sign_ins().reset(&reset, &password(), &client()).await.unwrap();
    assert!(spent(&world, &made).await);

    // And one that nobody has served yet.
    let olive = world.sign_in(&olive).await;
    world.prove(&olive).await;
    let reset = world.link(LinkKind::PasswordReset, &olive.email).await;
    world.email_changes().ask(&world.permit(&olive).await, new()).await.unwrap();
    world.sign_ins().reset(&reset, &password(), &client()).await.unwrap();
    assert!(world.store.asked(9).await.unwrap().is_empty());
}
