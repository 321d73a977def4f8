//! `SignInStore`.

use driftstack_domain::{
    account::{AccountStatus, AccountStore as _},
    auth::{Entered, LinkKind, LogInError, Password, PasswordHash, SignInStore as _, SignUpError, VerifyError},
    change::{MaybeStale as _, Revision},
    email::Email,
    id::AccountId,
    mail::{MailKind, MailPreference, OptionalMail},
    policy::action::WhoAmI,
    secret::{Digest, LinkToken},
    team::TeamStore as _,
    testing::people,
    tier::Tier,
    web_session::WebSessionStore as _,
};

use crate::{
    backend::Backend,
    forge,
    world::{World, agent, client, password, presented, rows},
};

async fn signed_up<B: Backend>(world: &World<B>) -> (Email, LinkToken) {
    let email = people::email("ada@example.com");
    world.sign_ups().sign_up(email.clone(), &password(), Some(people::name("Ada"))).await.unwrap();
    let token = world.mailed_token(&email).await;
    (email, token)
}

pub async fn a_registration_is_stored_whole<B: Backend>(backend: B) {
    let world = World::new(backend);
    let before = world.backend.rows().await;
    let (email, token) = signed_up(&world).await;
    let whole = [
        ("accounts", 1),
        ("account_numbers", 1),
        ("teams", 1),
        ("team_numbers", 1),
        ("links", 1),
        ("audit_entries", 1),
        ("mails", 1),
    ];
    assert_eq!(world.grown_since(&before).await, rows(whole));
    let seen = world.store.seen_sign_in(&email).await.unwrap().unwrap();
    assert_eq!((seen.status, seen.email_verified, seen.revision), (AccountStatus::Active, false, Revision(1)));
    assert_eq!((&seen.email, seen.password.as_phc()), (&email, "plain:correct horse battery staple"));
    let account = world.store.own_account(seen.account).await.unwrap().unwrap().account;
    assert_eq!((account.name, account.tier), (Some(people::name("Ada")), Tier::Free));
    assert_eq!(world.store.team_of(seen.account).await.unwrap().unwrap().name, people::name("Ada"));
    let link = world.store.seen_link(&token.digest()).await.unwrap().unwrap();
    assert_eq!((link.account, link.spent, link.wants_welcome), (seen.account, false, true));
    assert_eq!(link.expires_at, world.now().plus(LinkKind::Verification.life()));
    assert_eq!(world.actions(seen.account).await, ["account.created"]);
    assert_eq!(world.store.seen_sign_in(&people::email("bo@example.com")).await.unwrap(), None);
    assert_eq!(world.store.seen_link(&Digest::of("another token")).await.unwrap(), None);
}

pub async fn a_taken_address_is_refused_and_nothing_is_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (email, _) = signed_up(&world).await;
    let (before, seen) = (world.backend.rows().await, world.store.seen_sign_in(&email).await.unwrap());
    let refused = world.sign_ups().sign_up(email.clone(), &password(), None).await;
    assert!(matches!(refused, Err(SignUpError::EmailTaken)), "{refused:?}");
    assert_eq!(world.backend.rows().await, before);
    assert_eq!(world.store.seen_sign_in(&email).await.unwrap(), seen);
}

pub async fn an_account_is_seen_whatever_its_status<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for status in AccountStatus::ALL {
        world.backend.set_status(olive.id, *status).await;
        assert_eq!(world.store.seen_sign_in(&olive.email).await.unwrap().unwrap().status, *status);
    }
}

pub async fn a_link_verifies_and_signs_in<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (email, token) = signed_up(&world).await;
    let signed_in = world.sign_ins().verify(&token, agent()).await.unwrap();
    let seen = world.store.seen_sign_in(&email).await.unwrap().unwrap();
    assert!(seen.email_verified);
    assert!(world.store.seen_link(&token.digest()).await.unwrap().unwrap().spent);
    assert!(world.doorkeeper().admit::<WhoAmI>(&presented(&signed_in.token), None).await.is_ok());
    assert_eq!(world.actions(seen.account).await, ["account.created", "account.email_verified"]);
    assert_eq!(
        world.post().await.iter().map(|mail| mail.content.kind()).collect::<Vec<_>>(),
        [MailKind::SignupWelcome]
    );
    let again = world.sign_ins().verify(&token, agent()).await;
    assert!(matches!(again, Err(VerifyError::InvalidToken)));
}

pub async fn a_link_that_is_spent_verifies_nothing<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (email, voided) = signed_up(&world).await;
    world.clerk().ask(LinkKind::Verification, email.clone()).await.unwrap();
    world.clerk().round().await.unwrap();
    let used = world.mailed_token(&email).await;
    world.sign_ins().verify(&used, agent()).await.unwrap();
    for token in [voided, used] {
        // As if it were good, and with the revision of now.
        let mut seen = world.store.seen_link(&token.digest()).await.unwrap().unwrap();
        assert!(seen.spent);
        seen.spent = false;
        let before = world.backend.rows().await;
        let verification = forge::verification(&world.desk, seen).await;
        assert!(world.store.commit_verification(&verification).await.unwrap_err().is_stale());
        assert_eq!(world.backend.rows().await, before);
    }
}

pub async fn a_sign_in_begins_a_session<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let before = world.backend.rows().await;
    let signed_in = world.log_in(&olive.email).await;
    assert_eq!(world.grown_since(&before).await, rows([("web_sessions", 1), ("audit_entries", 1)]));
    let driftstack_domain::access::Presented::Session { id, generation } = presented(&signed_in.token) else {
        unreachable!()
    };
    let seen = world.store.seen_session(id).await.unwrap().unwrap();
    assert_eq!((seen.account, seen.generation, seen.expires_at), (olive.id, generation, signed_in.expires_at));
    assert_eq!((seen.ended_at, seen.status), (None, AccountStatus::Active));
}

pub async fn a_magic_link_signs_in_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let token = world.link(LinkKind::MagicLink, &olive.email).await;
    let before = world.backend.rows().await;
    assert!(matches!(world.sign_ins().follow(&token, &client()).await, Ok(Entered::SignedIn(_))));
    assert_eq!(world.grown_since(&before).await, rows([("web_sessions", 1), ("audit_entries", 1)]));
    // As if it were good, and with the revision of now.
    let mut seen = world.store.seen_link(&token.digest()).await.unwrap().unwrap();
    assert!(std::mem::take(&mut seen.spent));
    let again = forge::link_sign_in(&world.desk, seen).await;
    assert!(world.store.commit_link_sign_in(&again).await.unwrap_err().is_stale());
}

pub async fn a_magic_link_verifies_the_address_and_takes_the_password_away<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (email, verification) = signed_up(&world).await;
    let token = world.link(LinkKind::MagicLink, &email).await;
    let link = world.store.seen_link(&token.digest()).await.unwrap().unwrap();
    assert_eq!((link.kind, link.verified_at), (LinkKind::MagicLink, None));
    let before = world.backend.rows().await;
    assert!(matches!(world.sign_ins().follow(&token, &client()).await, Ok(Entered::SignedIn(_))));
    let whole = [("web_sessions", 1), ("audit_entries", 2), ("mails", 1)];
    assert_eq!(world.grown_since(&before).await, rows(whole));
    assert_eq!(world.actions(link.account).await[1..], ["account.email_verified", "account.login"]);
    assert_eq!(
        world.post().await.iter().map(|mail| mail.content.kind()).collect::<Vec<_>>(),
        [MailKind::SignupWelcome]
    );
    let seen = world.store.seen_sign_in(&email).await.unwrap().unwrap();
    assert_eq!((seen.email_verified, seen.password), (true, PasswordHash::none()));
    let link = world.store.seen_link(&token.digest()).await.unwrap().unwrap();
    assert_eq!((link.spent, link.verified_at), (true, Some(world.now())));
    // Whoever signed up is out, with what they chose and with what was mailed then.
    let refused = world.sign_ins().log_in(&email, &password(), &client()).await;
    assert!(matches!(refused, Err(LogInError::InvalidCredentials)), "{refused:?}");
    let refused = world.sign_ins().verify(&verification, agent()).await;
    assert!(matches!(refused, Err(VerifyError::InvalidToken)), "{refused:?}");
    let reset = world.link(LinkKind::PasswordReset, &email).await;
    assert!(world.sign_ins().reset(&reset, &password(), &client()).await.is_ok());
    world.log_in(&email).await;
}

pub async fn a_magic_link_that_is_opened_after_the_verification_keeps_the_password<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (email, verification) = signed_up(&world).await;
    let token = world.link(LinkKind::MagicLink, &email).await;
    let seen = world.store.seen_link(&token.digest()).await.unwrap().unwrap();
    let account = seen.account;
    let overtaken = forge::link_sign_in(&world.desk, seen).await;
    assert!(overtaken.proof.is_some());
    world.sign_ins().verify(&verification, agent()).await.unwrap();
    let before = world.backend.rows().await;
    assert!(world.store.commit_link_sign_in(&overtaken).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    assert!(matches!(world.sign_ins().follow(&token, &client()).await, Ok(Entered::SignedIn(_))));
    assert_eq!(world.grown_since(&before).await, rows([("web_sessions", 1), ("audit_entries", 1)]));
    assert_eq!(world.actions(account).await[1..], ["account.email_verified", "account.login"]);
    world.log_in(&email).await;
}

pub async fn a_reset_changes_the_password_and_ends_everything_else<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let other = world.sign_in(&olive).await;
    let magic = world.link(LinkKind::MagicLink, &olive.email).await;
    let token = world.link(LinkKind::PasswordReset, &olive.email).await;
    let new = Password::try_from("another horse, another battery".to_owned()).unwrap();
    let Ok(Entered::SignedIn(signed_in)) = world.sign_ins().reset(&token, &new, &client()).await else {
        panic!("there is no second factor")
    };
    assert_eq!(world.actions(olive.id).await[3..], ["account.password_changed", "account.login"]);
    for ended in [&olive, &other] {
        let seen = world.store.seen_session(ended.session()).await.unwrap().unwrap();
        assert_eq!(seen.ended_at, Some(world.now()));
    }
    assert!(world.store.seen_session(bo.session()).await.unwrap().unwrap().ended_at.is_none());
    assert!(world.doorkeeper().admit::<WhoAmI>(&presented(&signed_in.token), None).await.is_ok());
    assert!(world.store.seen_link(&magic.digest()).await.unwrap().unwrap().spent);
    assert!(world.sign_ins().log_in(&olive.email, &password(), &client()).await.is_err());
    assert!(world.sign_ins().log_in(&olive.email, &new, &client()).await.is_ok());
    let mut seen = world.store.seen_link(&token.digest()).await.unwrap().unwrap();
    assert!(std::mem::take(&mut seen.spent));
    let again = forge::password_reset(&world.desk, seen).await;
    assert!(world.store.commit_password_reset(&again).await.unwrap_err().is_stale());
}

pub async fn a_reset_verifies_the_address<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (email, verification) = signed_up(&world).await;
    let token = world.link(LinkKind::PasswordReset, &email).await;
    assert!(world.sign_ins().reset(&token, &password(), &client()).await.is_ok());
    assert!(world.store.seen_sign_in(&email).await.unwrap().unwrap().email_verified);
    assert!(world.store.seen_link(&verification.digest()).await.unwrap().unwrap().spent);
}

pub async fn the_holder_of_an_account_is_seen<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let by_address = world.store.seen_sign_in(&olive.email).await.unwrap();
    assert_eq!(world.store.seen_holder(olive.id).await.unwrap(), by_address);
    assert_eq!(world.store.seen_holder(AccountId::new(people::uuid(1))).await.unwrap(), None);
}

pub async fn what_is_declined_is_seen_with_the_link<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (_, token) = signed_up(&world).await;
    let first = world.sign_ins().verify(&token, agent()).await.unwrap();
    let permit = async || world.doorkeeper().admit(&presented(&first.token), None).await.unwrap();
    for (mail, wanted) in [(OptionalMail::TierChanged, true), (OptionalMail::SignupWelcome, false)] {
        world.preferences().set(&permit().await, MailPreference { mail, opted_in: false }).await.unwrap();
        assert_eq!(world.store.seen_link(&token.digest()).await.unwrap().unwrap().wants_welcome, wanted);
    }
}
