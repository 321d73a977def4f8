//! The second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes for when it is lost.
//!
//! A code is good once: the newest accepted time step is kept, and an older one is not accepted again. Whoever guesses is
//! stopped: after ten wrong answers the factor rests for a quarter of an hour, and its owner gets a mail.

mod answer;
mod enroll;
mod manage;
mod noun;
mod port;
mod recovery;
#[cfg(test)]
pub(crate) mod testing;
mod totp;

pub(crate) use answer::Outcome;
pub use answer::{AnswerError, FactorUse, Miss, Spent, Via};
pub use enroll::{EnrollError, Enrolment, FactorActivation, NewSecret, VerifyFactorError};
pub use manage::{FactorRemoval, MfaStatus, NewRecoveryCodes, NotEnrolled, RegenerateError};
pub use noun::{Answer, Factor, MAX_WRONG, PAUSE, SeenFactor, Tries};
#[cfg(feature = "testing")]
pub use port::MockMfaStore;
pub use port::{MfaStore, SeenEnrolment};
pub use recovery::{RECOVERY_CODES, RecoveryCode, RecoveryCodeError};
pub use totp::{DIGITS, PERIOD, TotpCode, TotpCodeError, TotpSecret};

use std::sync::Arc;

use crate::desk::Desk;

/// The second factor of the calling account.
pub struct Mfa {
    store: Arc<dyn MfaStore>,
    desk: Desk,
}

impl Mfa {
    pub fn new(store: Arc<dyn MfaStore>, desk: Desk) -> Self {
        Self { store, desk }
    }
}
