//! Codes, right and wrong, of many at once.

use driftstack_domain::{
    auth::ChallengeError,
    change::again_if_stale,
    mfa::{Answer, AnswerError, MfaStore as _, PERIOD, RECOVERY_CODES},
    time::HOUR,
};

use super::wins;
use crate::{
    backend::Backend,
    world::{Person, World, client, pause, race},
};

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
