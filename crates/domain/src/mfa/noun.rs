use std::time::Duration;

use super::{
    recovery::RecoveryCode,
    totp::{TotpCode, TotpSecret},
};
use crate::{
    change::Revision,
    email::Email,
    id::{AccountId, FactorId},
    secret::{Digest, Sealed, UnsealError, Vault},
    time::{MINUTE, Timestamp},
};

/// So many wrong answers within [`PAUSE`], counted from the first of them, and the factor rests.
pub const MAX_WRONG: u32 = 10;
/// For so long.
pub const PAUSE: Duration = MINUTE.saturating_mul(15);

/// The second factor of an account, which has one at the most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    pub id: FactorId,
    pub account: AccountId,
    /// The [`TotpSecret`].
    pub secret: Sealed,
    pub created_at: Timestamp,
    /// `None` until its first code was shown: until then it asks nobody for anything.
    pub enrolled_at: Option<Timestamp>,
    /// The newest time step whose code was accepted.
    pub last_step: Option<i64>,
    pub last_used_at: Option<Timestamp>,
    pub tries: Tries,
}

/// How often somebody has been wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tries {
    pub wrong: u32,
    /// When the first of them was.
    pub since: Option<Timestamp>,
    pub paused_until: Option<Timestamp>,
}

impl Tries {
    /// Until when no answer is looked at.
    pub fn paused(&self, now: Timestamp) -> Option<Timestamp> {
        self.paused_until.filter(|until| *until > now)
    }

    /// After one more that was wrong.
    #[must_use]
    pub fn and_one(self, now: Timestamp) -> Self {
        let begun = self.since.filter(|since| now.since(*since) < PAUSE);
        let wrong = if begun.is_some() { self.wrong.saturating_add(1) } else { 1 };
        if wrong >= MAX_WRONG {
            return Self { wrong: 0, since: None, paused_until: Some(now.plus(PAUSE)) };
        }
        Self { wrong, since: begun.or(Some(now)), paused_until: None }
    }
}

/// The factor of an account that has enrolled, with what an answer is decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFactor {
    pub factor: Factor,
    /// The fingerprints of the recovery codes that are not used yet.
    pub recovery: Vec<Digest>,
    pub email: Email,
    pub revision: Revision,
}

/// What somebody shows to prove that they hold the factor.
#[derive(Debug, Clone)]
pub enum Answer {
    Code(TotpCode),
    Recovery(RecoveryCode),
}

impl Factor {
    /// The step of a code that is right and was not used before.
    pub(super) fn accepts(
        &self,
        code: &TotpCode,
        now: Timestamp,
        vault: &dyn Vault,
    ) -> Result<Option<i64>, UnsealError> {
        let secret = TotpSecret::unseal(self.id, &self.secret, vault)?;
        let step = secret.step_of(code, now);
        Ok(step.filter(|step| self.last_step.is_none_or(|last| *step > last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::people::NOW;

    fn after(wrong: u32) -> Tries {
        (0..wrong).fold(Tries::default(), |tries, _| tries.and_one(NOW))
    }

    #[test]
    fn the_tenth_wrong_answer_pauses() {
        assert_eq!(after(9).paused(NOW), None);
        assert_eq!(after(10).paused(NOW), Some(NOW.plus(PAUSE)));
        assert_eq!(after(10).paused(NOW.plus(PAUSE)), None);
    }

    #[test]
    fn what_was_long_ago_does_not_count() {
        let later = NOW.plus(PAUSE);
        assert_eq!(after(9).and_one(later), Tries { wrong: 1, since: Some(later), paused_until: None });
    }

    #[test]
    fn after_a_pause_one_may_be_wrong_ten_times_again() {
        let later = NOW.plus(PAUSE);
        assert_eq!(after(10).and_one(later), Tries { wrong: 1, since: Some(later), paused_until: None });
    }
}
