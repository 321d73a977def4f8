use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};

use crate::secret::{Digest, Secrets};

/// What the device keeps and shows to nobody: 256 bits in base64url.
#[derive(Debug, Clone)]
pub struct DeviceCode(SecretString);

/// What the device made up itself, and shows again with its code: whoever has only seen the code has nothing.
#[derive(Debug, Clone)]
pub struct DeviceState(SecretString);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a state has {} to {} printable ASCII characters without spaces",
    DeviceState::MIN_CHARS,
    DeviceState::MAX_CHARS
)]
pub struct StateError;

impl DeviceCode {
    const MAX_CHARS: usize = 200;

    pub(super) fn generate(secrets: &dyn Secrets) -> Self {
        Self(BASE64URL_NOPAD.encode(&secrets.bytes()).into())
    }

    /// Any text of a plausible length: whether it is a code is for the store to say.
    pub fn parse(text: &str) -> Option<Self> {
        (1..=Self::MAX_CHARS).contains(&text.len()).then(|| Self(text.into()))
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Of both in one: a look-up finds the activation only for who has both, and its time tells nothing of either.
    pub fn digest_with(&self, state: &DeviceState) -> Digest {
        // Neither has a line break, so no other pair makes the same text.
        Digest::of(&format!("{}\n{}", self.0.expose_secret(), state.0.expose_secret()))
    }
}

impl DeviceState {
    pub const MIN_CHARS: usize = 16;
    pub const MAX_CHARS: usize = 128;
}

impl TryFrom<String> for DeviceState {
    type Error = StateError;

    fn try_from(text: String) -> Result<Self, StateError> {
        let fits = (Self::MIN_CHARS..=Self::MAX_CHARS).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_graphic()) { Ok(Self(text.into())) } else { Err(StateError) }
    }
}

/// What somebody reads on the device and types elsewhere: eight consonants, as no word is made of those.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode([u8; UserCode::CHARS]);

impl UserCode {
    const CHARS: usize = 8;
    const ALPHABET: [char; 20] =
        ['B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Z'];

    pub(super) fn generate(secrets: &dyn Secrets) -> Self {
        // 256 bits for 35: that the remainders are not quite equally likely shows nowhere.
        let mut number = secrets.bytes().iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        let mut next = || {
            let at = u8::try_from(number % 20).unwrap_or_default();
            number /= 20;
            at
        };
        Self(std::array::from_fn(|_| next()))
    }

    /// As people type: in any case, with hyphens and spaces wherever they like.
    pub fn parse(typed: &str) -> Option<Self> {
        let letters = typed.chars().filter(|c| !matches!(c, '-' | ' ')).take(Self::CHARS + 1);
        let places: Option<Vec<u8>> = letters
            .map(|c| Self::ALPHABET.iter().position(|known| *known == c.to_ascii_uppercase()))
            .map(|place| place.and_then(|place| u8::try_from(place).ok()))
            .collect();
        places?.try_into().ok().map(Self)
    }

    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_string())
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, place) in self.0.iter().enumerate() {
            if at == Self::CHARS / 2 {
                f.write_str("-")?;
            }
            let letter = Self::ALPHABET.get(usize::from(*place)).copied().unwrap_or_default();
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counted;
    use proptest::prelude::*;
    use rstest::rstest;

    struct These([u8; 32]);

    impl Secrets for These {
        fn bytes(&self) -> [u8; 32] {
            self.0
        }
    }

    fn state(text: &str) -> DeviceState {
        text.to_owned().try_into().unwrap()
    }

    #[rstest]
    #[case::as_shown("BCDF-GHJK")]
    #[case::lower_case("bcdf-ghjk")]
    #[case::no_hyphen("BCDFGHJK")]
    #[case::spaces(" bcd fgh jk ")]
    fn what_people_type(#[case] typed: &str) {
        assert_eq!(UserCode::parse(typed).unwrap().to_string(), "BCDF-GHJK");
    }

    #[rstest]
    #[case::short("BCDF-GHJ")]
    #[case::long("BCDF-GHJKL")]
    #[case::vowel("BCDF-GHJA")]
    #[case::digit("BCDF-GHJ1")]
    #[case::not_ascii("BCDF-GHJß")]
    #[case::empty("")]
    fn what_is_no_code(#[case] typed: &str) {
        assert_eq!(UserCode::parse(typed), None);
    }

    #[rstest]
    #[case::shortest(&"s".repeat(16), true)]
    #[case::longest(&"s".repeat(128), true)]
    #[case::short(&"s".repeat(15), false)]
    #[case::long(&"s".repeat(129), false)]
    #[case::line_break("ssssssss\nssssssss", false)]
    #[case::space("ssssssss ssssssss", false)]
    fn states(#[case] text: &str, #[case] fits: bool) {
        assert_eq!(DeviceState::try_from(text.to_owned()).is_ok(), fits);
    }

    #[test]
    fn neither_code_nor_state_is_found_by_itself() {
        let secrets = Counted::default();
        let (code, other) = (DeviceCode::generate(&secrets), DeviceCode::generate(&secrets));
        let (mine, theirs) = (state("0123456789abcdef"), state("0123456789abcdeg"));
        assert_eq!(code.digest_with(&mine), DeviceCode::parse(code.expose()).unwrap().digest_with(&mine));
        assert_ne!(code.digest_with(&mine), code.digest_with(&theirs));
        assert_ne!(code.digest_with(&mine), other.digest_with(&mine));
    }

    #[test]
    fn no_code_is_printed() {
        let printed = format!("{:?} {:?}", UserCode::parse("BCDF-GHJK").unwrap(), DeviceCode::parse("c0de"));
        assert!(!printed.contains("BCDF") && !printed.contains("c0de"), "{printed}");
    }

    proptest! {
        #[test]
        fn a_code_is_read_as_it_is_shown(bits: [u8; 32]) {
            let code = UserCode::generate(&These(bits));
            prop_assert_eq!(UserCode::parse(&code.to_string()), Some(code));
        }
    }
}
