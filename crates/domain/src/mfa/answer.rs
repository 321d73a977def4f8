//! Looking at an answer: right, wrong, or not now.

use std::time::Duration;

use super::noun::{Answer, SeenFactor, Tries};
use crate::{
    audit::{Actor, AuditAction},
    change::{Change, CommitError, Effects, Guard, StoreError, commits},
    desk::Desk,
    id::FactorId,
    mail::MailContent,
    secret::{Digest, UnsealError},
    time::Timestamp,
};

/// By what a proof was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    Totp,
    RecoveryCode,
    Password,
}

impl Via {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::Password => "password",
        }
    }
}

/// A right answer. It is part of the record of what it opens, and can be committed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FactorUse {
    pub factor: FactorId,
    pub at: Timestamp,
    pub spent: Spent,
}

/// What cannot be shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// Every code up to this time step.
    Step(i64),
    /// The recovery code with this fingerprint.
    Recovery(Digest),
}

impl FactorUse {
    pub const fn via(&self) -> Via {
        match self.spent {
            Spent::Step(_) => Via::Totp,
            Spent::Recovery(_) => Via::RecoveryCode,
        }
    }
}

/// A wrong answer, which is counted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Miss {
    pub factor: FactorId,
    pub seen: Tries,
    pub now: Tries,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error("this code is wrong or was used already; wait for the next one")]
    WrongCode,
    #[error("this recovery code is wrong or was used already")]
    WrongRecoveryCode,
    #[error("there were too many wrong codes; try again later")]
    Paused {
        /// Until then.
        wait: Duration,
    },
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(AnswerError);

impl From<UnsealError> for AnswerError {
    /// The key of the ring that sealed it is gone: a fault of ours, not of whoever answers.
    fn from(error: UnsealError) -> Self {
        StoreError::Failed(format!("the secret of a factor: {error}")).into()
    }
}

/// What became of an answer.
pub(crate) enum Outcome {
    Right(FactorUse),
    /// To be committed before anybody is told.
    Wrong(Box<Miss>, AnswerError),
}

impl SeenFactor {
    /// Nothing is looked at while the factor rests, so that a right answer then tells nobody that it was right.
    pub(crate) fn look_at(&self, answer: &Answer, actor: Actor, desk: &Desk) -> Result<Outcome, AnswerError> {
        let now = desk.now();
        if let Some(until) = self.factor.tries.paused(now) {
            return Err(AnswerError::Paused { wait: until.since(now) });
        }
        Ok(match self.spent_by(answer, desk)? {
            Some(spent) => Outcome::Right(FactorUse { factor: self.factor.id, at: now, spent }),
            None => Outcome::Wrong(Box::new(self.miss(actor, desk)), answer.refusal()),
        })
    }

    fn spent_by(&self, answer: &Answer, desk: &Desk) -> Result<Option<Spent>, UnsealError> {
        let (factor, vault) = (&self.factor, desk.vault.as_ref());
        Ok(match answer {
            Answer::Code(code) => factor.accepts(code, desk.now(), vault)?.map(Spent::Step),
            Answer::Recovery(code) => code.find(factor.id, &self.recovery, vault).map(Spent::Recovery),
        })
    }

    fn miss(&self, actor: Actor, desk: &Desk) -> Miss {
        let (seen, account) = (self.factor.tries, self.factor.account);
        let now = seen.and_one(desk.now());
        let effects = match now.paused_until {
            None => Effects::none(),
            Some(until) => {
                let entry = desk.audit_as(actor, account, AuditAction::MfaPaused).on(account);
                let mail = desk.mail(self.email.clone(), MailContent::MfaPaused { until });
                Effects::audited(entry.with("until", until.to_string())).mailed([mail])
            }
        };
        let change = Change::new(Guard::seen(account, self.revision), effects);
        Miss { factor: self.factor.id, seen, now, change }
    }
}

impl Answer {
    fn refusal(&self) -> AnswerError {
        match self {
            Self::Code(_) => AnswerError::WrongCode,
            Self::Recovery(_) => AnswerError::WrongRecoveryCode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mfa::{noun::PAUSE, testing},
        testing::{desk, desk_at, people},
    };

    const ACTOR: Actor = Actor::Customer { account: people::ADA, credential: None };

    fn look(seen: &SeenFactor, answer: &Answer) -> Result<Outcome, AnswerError> {
        seen.look_at(answer, ACTOR, &desk())
    }

    #[test]
    fn a_code_is_right_until_it_was_used() {
        let mut seen = testing::seen_factor();
        let code = testing::code(people::NOW);
        let Ok(Outcome::Right(used)) = look(&seen, &code) else { panic!("it is right") };
        let Spent::Step(step) = used.spent else { panic!("it was a code") };
        seen.factor.last_step = Some(step);
        assert!(matches!(look(&seen, &code), Ok(Outcome::Wrong(_, AnswerError::WrongCode))));
    }

    #[test]
    fn after_a_newer_code_an_older_one_is_wrong() {
        let mut seen = testing::seen_factor();
        seen.factor.last_step = Some(people::NOW.unix_seconds() / 30);
        let before = Timestamp::from_millis(people::NOW.millis() - 30_000).unwrap();
        assert!(matches!(look(&seen, &testing::code(before)), Ok(Outcome::Wrong(..))));
        assert!(matches!(look(&seen, &testing::code(people::NOW.plus(crate::mfa::PERIOD))), Ok(Outcome::Right(_))));
    }

    #[test]
    fn a_recovery_code_is_right_while_it_is_unused() {
        let (mut seen, code) = testing::with_recovery_code();
        let answer = Answer::Recovery(code);
        assert!(matches!(look(&seen, &answer), Ok(Outcome::Right(used)) if used.via() == Via::RecoveryCode));
        seen.recovery.clear();
        assert!(matches!(look(&seen, &answer), Ok(Outcome::Wrong(_, AnswerError::WrongRecoveryCode))));
    }

    #[test]
    fn the_tenth_wrong_answer_is_on_the_log_and_mails_the_owner() {
        let mut seen = testing::seen_factor();
        for nth in 1..=10 {
            let Ok(Outcome::Wrong(miss, _)) = look(&seen, &testing::wrong_code()) else { panic!("it is wrong") };
            let effects = &miss.change.effects;
            assert_eq!((effects.audit.len(), effects.mails.len()), if nth == 10 { (1, 1) } else { (0, 0) }, "{nth}");
            seen.factor.tries = miss.now;
        }
        let right = testing::code(people::NOW);
        let until = people::NOW.plus(PAUSE);
        assert!(matches!(look(&seen, &right), Err(AnswerError::Paused { wait }) if wait == PAUSE));
        let later = seen.look_at(&testing::code(until), ACTOR, &desk_at(until));
        assert!(matches!(later, Ok(Outcome::Right(_))));
    }

    #[test]
    fn a_secret_that_does_not_open_is_our_fault() {
        let mut seen = testing::seen_factor();
        seen.factor.id = FactorId::new(people::uuid(99));
        let refused = look(&seen, &testing::code(people::NOW));
        assert!(matches!(refused, Err(AnswerError::Commit(CommitError::Store(_)))));
    }
}
