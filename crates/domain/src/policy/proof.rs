//! How fresh the proof is that the holder of a web session gave of themselves.

use std::time::Duration;

use crate::time::{MINUTE, Timestamp};

/// A proof counts for so long.
pub const PROOF_LIFE: Duration = MINUTE.saturating_mul(15);

/// Whether the holder of a credential has proven, since they signed in, that it is still them: with a code of their second
/// factor, or with their password where the account has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    Never,
    Expired,
    Fresh,
}

impl Proof {
    /// The proof that was given at that time, as it stands `now`.
    pub fn given(at: Option<Timestamp>, now: Timestamp) -> Self {
        match at {
            None => Self::Never,
            Some(at) if now.since(at) < PROOF_LIFE => Self::Fresh,
            Some(_) => Self::Expired,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::people::NOW;

    #[test]
    fn a_proof_is_fresh_for_fifteen_minutes() {
        let after = |duration| Proof::given(Some(NOW), NOW.plus(duration));
        assert_eq!(Proof::given(None, NOW), Proof::Never);
        assert_eq!(after(PROOF_LIFE.saturating_sub(Duration::from_millis(1))), Proof::Fresh);
        assert_eq!(after(PROOF_LIFE), Proof::Expired);
    }
}
