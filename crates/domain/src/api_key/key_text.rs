//! The spelling of an API key: `<prefix><44 characters of base62><6 characters of checksum>`.

use sha2::{Digest, Sha256};

/// What every key of the Driftstack dialect starts with.
pub(crate) const PREFIX: &str = "ds_live_";

/// Two halves of 128 bits, each 22 characters of base62.
const HALF_CHARS: usize = 22;
const CHECKSUM_CHARS: usize = 6;

/// Whether a bearer token looks like an API key at all, right or wrong.
pub fn looks_like_a_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}

pub(crate) fn write(bits: [u8; 32]) -> String {
    let bits = bits.map(u128::from);
    let (high, low) = bits.split_at(16);
    let number = |half: &[u128]| half.iter().fold(0, |number, byte| number << 8 | byte);
    let body = format!("{PREFIX}{}{}", base62(number(high), HALF_CHARS), base62(number(low), HALF_CHARS));
    let checksum = checksum(&body);
    body + &checksum
}

/// Whether the checksum at the end is that of the text before it.
pub(crate) fn holds(text: &str) -> bool {
    let Some(split) = text.len().checked_sub(CHECKSUM_CHARS) else { return false };
    let Some((body, end)) = text.split_at_checked(split) else { return false };
    let well_formed = body
        .strip_prefix(PREFIX)
        .is_some_and(|b| b.len() == 2 * HALF_CHARS && b.bytes().all(|b| b.is_ascii_alphanumeric()));
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
        assert_eq!(write([0; 32]).len(), 58);
        assert_eq!(write([255; 32]).len(), 58);
    }

    proptest! {
        #[test]
        fn a_written_key_holds(bits: [u8; 32]) {
            prop_assert!(holds(&write(bits)));
        }

        #[test]
        fn a_mistyped_key_does_not(bits: [u8; 32], at in 8_usize..58, typed in "[0-9A-Za-z]") {
            let mut text = write(bits);
            text.replace_range(at..=at, &typed);
            prop_assert_eq!(holds(&text), text == write(bits));
        }

        #[test]
        fn any_text_can_be_asked_about(text in ".{0,80}") {
            holds(&text);
        }
    }
}
