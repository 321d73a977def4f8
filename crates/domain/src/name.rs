//! Names that people give to things: accounts, teams, API keys.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::text;

/// 1 to 120 characters after trimming, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Name(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name has 1 to {} characters, not counting spaces around it", Name::MAX_CHARS)]
    Length,
    #[error("a name has no control characters")]
    Control,
}

impl Name {
    pub const MAX_CHARS: usize = 120;

    pub(crate) fn of_a_team_without_one() -> Self {
        Self("Team".to_owned())
    }

    pub(crate) fn of_a_device_without_one() -> Self {
        Self("Command line".to_owned())
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let trimmed = text.trim();
        if trimmed.chars().any(char::is_control) {
            return Err(NameError::Control);
        }
        match trimmed.chars().count() {
            1..=Self::MAX_CHARS => Ok(Self(trimmed.to_owned())),
            _ => Err(NameError::Length),
        }
    }
}

text!(Name, NameError);

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::one("A", Ok("A"))]
    #[case::trimmed("  Acme B.V.\n", Ok("Acme B.V."))]
    #[case::not_ascii("Ærøskøbing 株式会社", Ok("Ærøskøbing 株式会社"))]
    #[case::empty("", Err(NameError::Length))]
    #[case::blank(" \t ", Err(NameError::Length))]
    #[case::nul("a\0b", Err(NameError::Control))]
    #[case::line_break("a\nb", Err(NameError::Control))]
    fn cases(#[case] text: &str, #[case] expected: Result<&str, NameError>) {
        assert_eq!(text.parse::<Name>().as_ref().map(Name::as_str), expected.as_ref().copied());
    }

    #[test]
    fn the_limit_counts_characters_not_bytes() {
        assert!("ø".repeat(120).parse::<Name>().is_ok());
        assert_eq!("ø".repeat(121).parse::<Name>(), Err(NameError::Length));
    }
}
