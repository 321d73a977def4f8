//! A factor whose secret is known.

use super::{
    Answer, Factor, RecoveryCode, SeenFactor, Tries,
    totp::{TotpCode, TotpSecret},
};
use crate::{
    change::Revision,
    id::FactorId,
    testing::{Counted, GlassVault, people},
    time::Timestamp,
};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

pub(crate) fn factor() -> Factor {
    let id = FactorId::new(people::uuid(0x50));
    Factor {
        id,
        account: people::ADA,
        secret: TotpSecret::from_base32(SECRET).unwrap().seal(id, &GlassVault),
        created_at: people::EARLIER,
        enrolled_at: Some(people::EARLIER),
        last_step: None,
        last_used_at: None,
        tries: Tries::default(),
    }
}

pub(crate) fn seen_factor() -> SeenFactor {
    SeenFactor {
        factor: factor(),
        recovery: Vec::new(),
        email: people::email("ada@example.com"),
        revision: Revision(3),
    }
}

pub(crate) fn with_recovery_code() -> (SeenFactor, RecoveryCode) {
    let (mut seen, code) = (seen_factor(), RecoveryCode::generate(&Counted::default()));
    seen.recovery.push(code.fingerprint(seen.factor.id, &GlassVault));
    (seen, code)
}

pub(crate) fn totp(at: Timestamp) -> TotpCode {
    TotpCode::try_from(TotpSecret::from_base32(SECRET).unwrap().code_at(at)).unwrap()
}

pub(crate) fn code(at: Timestamp) -> Answer {
    Answer::Code(totp(at))
}

/// That of another hour.
pub(crate) fn wrong_code() -> Answer {
    code(people::LATER)
}
