//! `MfaStore`, and what of `SignInStore` a second factor has a part in.

use driftstack_domain::{
    account::AccountStore as _,
    auth::{CHALLENGE_LIFE, ChallengeError, Entered, LinkKind, SeenChallenge, SignInStore as _},
    change::MaybeStale as _,
    mail::MailKind,
    mfa::{Answer, AnswerError, MAX_WRONG, MfaStore as _, PAUSE, PERIOD, RECOVERY_CODES, SeenFactor, Tries, Via},
    policy::{PROOF_LIFE, Proof, action::WhoAmI},
    secret::LinkToken,
    time::HOUR,
    web_session::WebSessionStore as _,
};

use crate::{
    backend::Backend,
    forge,
    world::{Person, World, client, password, presented, rows},
};

async fn seen<B: Backend>(world: &World<B>, who: &Person) -> SeenFactor {
    world.store.seen_factor(who.id).await.unwrap().unwrap()
}

async fn proof<B: Backend>(world: &World<B>, who: &Person) -> Proof {
    world.permit::<WhoAmI>(who).await.access().proof
}

pub async fn a_factor_asks_nobody_before_its_first_code<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    assert_eq!(world.store.seen_enrolment(olive.id).await.unwrap().factor, None);
    world.mfa().enroll(&world.permit(&olive).await).await.unwrap();
    let first = world.store.seen_enrolment(olive.id).await.unwrap();
    assert_eq!(first.email, olive.email);
    world.mfa().enroll(&world.permit(&olive).await).await.unwrap();
    let second = world.store.seen_enrolment(olive.id).await.unwrap();
    assert_ne!(first.factor, second.factor, "the second replaces the first");
    assert_eq!(world.store.seen_factor(olive.id).await.unwrap(), None);
    assert!(!world.store.seen_sign_in(&olive.email).await.unwrap().unwrap().has_factor);
    assert!(!world.store.own_account(olive.id).await.unwrap().unwrap().mfa_enrolled);
}

pub async fn an_activation_is_stored_whole<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let other = world.sign_in(&olive).await;
    world.step_ups().with_password(&world.permit(&other).await, &password()).await.unwrap();
    world.post().await;
    let before = world.backend.rows().await;
    world.enroll(&olive).await;
    assert_eq!(proof(&world, &other).await, Proof::Never, "a password does not undo the factor");
    let whole = [("factors", 1), ("recovery_codes", 10), ("audit_entries", 1), ("mails", 1)];
    assert_eq!(world.grown_since(&before).await, rows(whole));
    let it = seen(&world, &olive).await;
    assert_eq!((it.factor.enrolled_at, it.factor.last_used_at), (Some(world.now()), None));
    assert_eq!(it.factor.last_step, Some(world.now().unix_seconds() / 30));
    assert_eq!((it.recovery.len(), &it.email), (RECOVERY_CODES, &olive.email));
    assert_eq!(proof(&world, &olive).await, Proof::Fresh);
    assert!(world.store.seen_sign_in(&olive.email).await.unwrap().unwrap().has_factor);
    assert!(world.store.own_account(olive.id).await.unwrap().unwrap().mfa_enrolled);
    assert_eq!(world.store.seen_factor(bo.id).await.unwrap(), None);
    assert_eq!(world.post().await[0].content.kind(), MailKind::MfaEnrolled);
}

pub async fn an_enrolled_factor_is_neither_replaced_nor_activated_again<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    let (before, it) = (world.backend.rows().await, seen(&world, &olive).await);
    let again = forge::enrolment(&world.desk, &world.permit(&olive).await).await;
    assert!(world.store.commit_enrolment(&again).await.unwrap_err().is_stale());
    let mut enrolment = world.store.seen_enrolment(olive.id).await.unwrap();
    if let Some(factor) = &mut enrolment.factor {
        (factor.enrolled_at, factor.last_step) = (None, None);
    }
    let code = phone.totp(world.now());
    let activation = forge::activation(&world.desk, &world.permit(&olive).await, enrolment, &code).await;
    assert!(world.store.commit_activation(&activation).await.unwrap_err().is_stale());
    assert_eq!((world.backend.rows().await, seen(&world, &olive).await), (before, it));
}

pub async fn a_factor_is_given_up_with_its_codes<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let before = world.backend.rows().await;
    world.enroll(&olive).await;
    let it = seen(&world, &olive).await;
    world.mfa().disable(&world.permit(&olive).await).await.unwrap();
    assert_eq!(world.grown_since(&before).await, rows([("audit_entries", 2), ("mails", 1)]));
    assert_eq!(world.store.seen_factor(olive.id).await.unwrap(), None);
    let again = forge::factor_removal(&world.desk, &world.permit(&olive).await, it).await;
    assert!(world.store.commit_factor_removal(&again).await.unwrap_err().is_stale());
    // Somebody who has given one up may get another.
    world.enroll(&olive).await;
}

pub async fn new_recovery_codes_replace_the_older_ones<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    let codes = world.mfa().regenerate(&world.permit(&olive).await).await.unwrap();
    assert_eq!(seen(&world, &olive).await.recovery.len(), RECOVERY_CODES);
    let step_up = async |answer| world.step_ups().with_factor(&world.permit(&olive).await, &answer).await;
    assert!(step_up(phone.recovery(0)).await.is_err());
    assert!(step_up(Answer::Recovery(codes[0].clone())).await.is_ok());
    assert_eq!(world.actions(olive.id).await[3], "account.mfa_recovery_codes_regenerated");
}

pub async fn a_challenge_is_answered_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    world.clock.advance(PERIOD);
    let before = world.backend.rows().await;
    let token = world.challenge(&olive).await;
    assert_eq!(world.grown_since(&before).await, rows([("challenges", 1)]));
    let unanswered = world.store.seen_challenge(&token.digest()).await.unwrap().unwrap();
    let factor = seen(&world, &olive).await;

    let answer = phone.code(world.now());
    let (signed_in, via) = world.sign_ins().answer(&token, &answer, &client()).await.unwrap();
    assert_eq!(via, Via::Totp);
    let grown = [("challenges", 1), ("web_sessions", 1), ("audit_entries", 1)];
    assert_eq!(world.grown_since(&before).await, rows(grown));
    let signed_in = Person { presented: presented(&signed_in.token), token: signed_in.token, ..olive.clone() };
    assert_eq!(proof(&world, &signed_in).await, Proof::Fresh);
    let it = seen(&world, &olive).await.factor;
    assert_eq!((it.last_step, it.last_used_at), (Some(world.now().unix_seconds() / 30), Some(world.now())));
    assert!(world.store.seen_challenge(&token.digest()).await.unwrap().unwrap().answered);

    // Decided on the challenge as it was, with the revision of now, and a code that would be right.
    world.clock.advance(PERIOD);
    let revision = seen(&world, &olive).await.revision;
    let as_if = SeenChallenge { revision, ..unanswered };
    let again = forge::challenge_answer(&world.desk, as_if, factor, &phone.code(world.now())).await;
    assert!(world.store.commit_challenge_answer(&again).await.unwrap_err().is_stale());
    assert_eq!(seen(&world, &olive).await.factor, it);
}

pub async fn what_an_answer_spends_is_spent_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    for (nth, answer) in [phone.code(world.now().plus(PERIOD)), phone.recovery(4)].into_iter().enumerate() {
        let unspent = seen(&world, &olive).await;
        world.step_ups().with_factor(&world.permit(&olive).await, &answer).await.unwrap();
        let token = world.challenge(&olive).await;
        let challenge = world.store.seen_challenge(&token.digest()).await.unwrap().unwrap();
        let forged = forge::challenge_answer(&world.desk, challenge, unspent, &answer).await;
        assert!(world.store.commit_challenge_answer(&forged).await.unwrap_err().is_stale(), "{nth}");
        assert!(!world.store.seen_challenge(&token.digest()).await.unwrap().unwrap().answered);
    }
    assert_eq!(seen(&world, &olive).await.recovery.len(), RECOVERY_CODES - 1);
}

pub async fn the_next_challenge_takes_those_with_it_that_are_over<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    world.enroll(&olive).await;
    world.enroll(&bo).await;
    let (old, of_bo) = (world.challenge(&olive).await, world.challenge(&bo).await);
    world.clock.advance(CHALLENGE_LIFE);
    let new = world.challenge(&olive).await;
    let there = async |token: &LinkToken| world.store.seen_challenge(&token.digest()).await.unwrap().is_some();
    assert_eq!((there(&old).await, there(&new).await, there(&of_bo).await), (false, true, true));
}

pub async fn wrong_answers_are_counted_and_pause_the_factor<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    world.post().await;
    let wrong = phone.code(world.now().plus(HOUR));
    let step_up = async |answer| world.step_ups().with_factor(&world.permit(&olive).await, &answer).await;
    for nth in 1..=MAX_WRONG {
        assert!(step_up(wrong.clone()).await.is_err());
        assert_eq!(seen(&world, &olive).await.factor.tries.wrong, nth % MAX_WRONG);
    }
    let paused = seen(&world, &olive).await.factor.tries;
    assert_eq!(paused.paused(world.now()), Some(world.now().plus(PAUSE)));
    let mails = world.post().await;
    assert_eq!(mails.iter().map(|mail| mail.content.kind()).collect::<Vec<_>>(), [MailKind::MfaPaused]);
    assert_eq!(world.actions(olive.id).await.last().unwrap(), "account.mfa_paused");
    let token = world.challenge(&olive).await;
    let refused = world.sign_ins().answer(&token, &phone.recovery(0), &client()).await;
    assert!(matches!(refused, Err(ChallengeError::Answer(AnswerError::Paused { .. }))));
    world.clock.advance(PAUSE);
    assert!(step_up(phone.code(world.now())).await.is_ok());
    assert_eq!(seen(&world, &olive).await.factor.tries, Tries::default());
}

pub async fn of_two_guesses_at_once_each_counts<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    let wrong = phone.code(world.now().plus(HOUR));
    let untried = seen(&world, &olive).await;
    let permit = world.permit(&olive).await;
    let (first, second) = (
        forge::miss(&world.desk, &permit, untried.clone(), &wrong).await,
        forge::miss(&world.desk, &permit, untried, &wrong).await,
    );
    world.store.commit_miss(&first).await.unwrap();
    assert!(world.store.commit_miss(&second).await.unwrap_err().is_stale());
    assert_eq!(seen(&world, &olive).await.factor.tries.wrong, 1);
}

pub async fn a_proof_is_noted_at_its_session_alone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let other = world.sign_in(&olive).await;
    let proven = world.step_ups().with_password(&world.permit(&olive).await, &password()).await.unwrap();
    assert_eq!((proven.via, proven.at), (Via::Password, world.now()));
    assert_eq!((proof(&world, &olive).await, proof(&world, &other).await), (Proof::Fresh, Proof::Never));
    world.clock.advance(PROOF_LIFE);
    assert_eq!(proof(&world, &olive).await, Proof::Expired);
    assert_eq!(world.actions(olive.id).await.last().unwrap(), "account.stepped_up");
    let permit = world.permit(&olive).await;
    world.web_sessions().log_out(&olive.token).await.unwrap();
    assert!(world.step_ups().with_password(&permit, &password()).await.unwrap_err().is_stale());
}

pub async fn a_reset_forgets_the_challenges_and_asks_for_the_factor<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let phone = world.enroll(&olive).await;
    let begun = world.challenge(&olive).await;
    let token = world.link(LinkKind::PasswordReset, &olive.email).await;
    let entered = world.sign_ins().reset(&token, &password(), &client()).await.unwrap();
    let Entered::Challenged { token, .. } = entered else { panic!("nobody asks for the second factor") };
    assert_eq!(world.store.seen_challenge(&begun.digest()).await.unwrap(), None);
    assert!(world.store.seen_session(olive.session()).await.unwrap().unwrap().ended_at.is_some());
    assert!(world.sign_ins().answer(&token, &phone.recovery(0), &client()).await.is_ok());
}
