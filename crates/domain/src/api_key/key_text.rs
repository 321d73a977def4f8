//! The spelling of an API key: `<prefix><44 characters of base62><6 characters of checksum>`. The prefix says in which dialect it
//! was minted; it opens both.

use sha2::{Digest, Sha256};

/// What a key starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPrefix {
    /// Minted in the Driftstack dialect.
    Driftstack,
    /// Minted in the organisation dialect.
    Organisation,
}

impl KeyPrefix {
    const ALL: [Self; 2] = [Self::Driftstack, Self::Organisation];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Driftstack => "ds_live_",
            Self::Organisation => "bs_live_",
        }
    }

    /// The prefix that a text has, and what comes after it.
    pub(crate) fn split(text: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|prefix| Some((prefix, text.strip_prefix(prefix.as_str())?)))
    }
}

/// Two halves of 128 bits, each 22 characters of base62.
const HALF_CHARS: usize = 22;
const CHECKSUM_CHARS: usize = 6;

/// Whether a bearer token looks like an API key at all, right or wrong.
pub fn looks_like_a_key(text: &str) -> bool {
    KeyPrefix::split(text).is_some()
}

pub(crate) fn write(prefix: KeyPrefix, bits: [u8; 32]) -> String {
    let bits = bits.map(u128::from);
    let (high, low) = bits.split_at(16);
    let number = |half: &[u128]| half.iter().fold(0, |number, byte| number << 8 | byte);
    let body = format!("{}{}{}", prefix.as_str(), base62(number(high), HALF_CHARS), base62(number(low), HALF_CHARS));
    let checksum = checksum(&body);
    body + &checksum
}

/// Whether the checksum at the end is that of the text before it.
pub(crate) fn holds(text: &str) -> bool {
    let Some(split) = text.len().checked_sub(CHECKSUM_CHARS) else { return false };
    let Some((body, end)) = text.split_at_checked(split) else { return false };
    let well_formed = KeyPrefix::split(body)
        .is_some_and(|(_, rest)| rest.len() == 2 * HALF_CHARS && rest.bytes().all(|b| b.is_ascii_alphanumeric()));
    well_formed && checksum(body) == end
}

fn checksum(body: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(body.as_bytes()).into();
    let number = hash.iter().take(4).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    base62(number, CHECKSUM_CHARS)
}

fn base62(number: u128, width: usize) -> String {
    format!("{:0>width$}", base62::encode(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_extremes_have_the_usual_length() {
        for prefix in KeyPrefix::ALL {
            assert_eq!(write(prefix, [0; 32]).len(), 58);
            assert_eq!(write(prefix, [255; 32]).len(), 58);
        }
    }

    fn any_prefix() -> impl Strategy<Value = KeyPrefix> {
        proptest::sample::select(KeyPrefix::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn a_written_key_holds(prefix in any_prefix(), bits: [u8; 32]) {
            prop_assert!(holds(&write(prefix, bits)));
        }

        #[test]
        fn a_mistyped_key_does_not(prefix in any_prefix(), bits: [u8; 32], at in 8_usize..58, typed in "[0-9A-Za-z]") {
            let written = write(prefix, bits);
            let mut text = written.clone();
            text.replace_range(at..=at, &typed);
            prop_assert_eq!(holds(&text), text == written);
        }

        #[test]
        fn a_key_with_the_other_prefix_does_not(bits: [u8; 32]) {
            prop_assert!(!holds(&write(KeyPrefix::Driftstack, bits).replacen("ds", "bs", 1)));
        }

        #[test]
        fn any_text_can_be_asked_about(text in ".{0,80}") {
            holds(&text);
        }
    }
}
