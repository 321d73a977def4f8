use std::str::FromStr;

/// What a caller calls a creation: 1 to 255 printable characters of ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("an idempotency key has 1 to {} characters", IdempotencyKey::MAX_CHARS)]
    Length,
    #[error("an idempotency key has printable ASCII characters alone")]
    Alphabet,
}

impl IdempotencyKey {
    pub const MAX_CHARS: usize = 255;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if !text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
            return Err(KeyError::Alphabet);
        }
        match text.len() {
            1..=Self::MAX_CHARS => Ok(Self(text.to_owned())),
            _ => Err(KeyError::Length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::uuid("0192f0c1-2345-7abc-8def-0123456789ab", None)]
    #[case::words("the nightly key of 2026-11-22", None)]
    #[case::longest(&"k".repeat(255), None)]
    #[case::too_long(&"k".repeat(256), Some(KeyError::Length))]
    #[case::empty("", Some(KeyError::Length))]
    #[case::beyond_ascii("schlüssel", Some(KeyError::Alphabet))]
    #[case::control("a\tb", Some(KeyError::Alphabet))]
    fn keys(#[case] text: &str, #[case] refused: Option<KeyError>) {
        assert_eq!(text.parse::<IdempotencyKey>().err(), refused);
    }
}
