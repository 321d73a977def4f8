//! The readable handle of an account.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::text;

/// 3 to 32 characters of `a-z`, `0-9` and hyphen; no hyphen first, last or twice running; not a reserved word.
///
/// There is no folding: an upper-case letter is refused, so two spellings of one slug cannot exist.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Slug(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlugError {
    #[error("a slug has {} to {} characters", Slug::MIN, Slug::MAX)]
    Length,
    #[error("a slug has only the characters a-z, 0-9 and hyphen")]
    Alphabet,
    #[error("a slug has no hyphen at its start, at its end or next to another hyphen")]
    Hyphen,
    #[error("this slug is reserved; choose another one")]
    Reserved,
}

/// Words that would read as a part of the product when they stand where a slug stands.
const RESERVED: [&str; 34] = [
    "about",
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "api",
    "app",
    "auth",
    "billing",
    "blog",
    "dashboard",
    "docs",
    "driftstack",
    "help",
    "internal",
    "legal",
    "login",
    "logout",
    "mail",
    "null",
    "official",
    "postmaster",
    "pricing",
    "root",
    "security",
    "settings",
    "signup",
    "staff",
    "status",
    "support",
    "system",
    "team",
    "www",
];

impl Slug {
    pub const MIN: usize = 3;
    pub const MAX: usize = 32;
}

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        if !text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            return Err(SlugError::Alphabet);
        }
        if !(Self::MIN..=Self::MAX).contains(&text.len()) {
            return Err(SlugError::Length);
        }
        if text.starts_with('-') || text.ends_with('-') || text.contains("--") {
            return Err(SlugError::Hyphen);
        }
        if RESERVED.contains(&text) {
            return Err(SlugError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
}

text!(Slug, SlugError);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::shortest("abc", None)]
    #[case::digits("007", None)]
    #[case::hyphens_inside("a-b-c", None)]
    #[case::longest("abcdefghijklmnopqrstuvwxyz012345", None)]
    #[case::too_short("ab", Some(SlugError::Length))]
    #[case::too_long("abcdefghijklmnopqrstuvwxyz0123456", Some(SlugError::Length))]
    #[case::empty("", Some(SlugError::Length))]
    #[case::upper_case("Acme", Some(SlugError::Alphabet))]
    #[case::underscore("a_b", Some(SlugError::Alphabet))]
    #[case::look_alike("асme", Some(SlugError::Alphabet))]
    #[case::space("a b", Some(SlugError::Alphabet))]
    #[case::nul("ab\0", Some(SlugError::Alphabet))]
    #[case::hyphen_first("-abc", Some(SlugError::Hyphen))]
    #[case::hyphen_last("abc-", Some(SlugError::Hyphen))]
    #[case::hyphen_twice("a--b", Some(SlugError::Hyphen))]
    #[case::reserved("admin", Some(SlugError::Reserved))]
    fn cases(#[case] text: &str, #[case] refused: Option<SlugError>) {
        assert_eq!(text.parse::<Slug>().err(), refused);
    }

    proptest! {
        #[test]
        fn what_parses_is_what_the_published_pattern_allows(text in "[a-z0-9-]{0,40}") {
            let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            let published = (3..=32).contains(&text.len())
                && text.bytes().next().is_some_and(inner)
                && text.bytes().last().is_some_and(inner)
                && !text.contains("--")
                && !RESERVED.contains(&text.as_str());
            prop_assert_eq!(text.parse::<Slug>().is_ok(), published);
        }
    }
}
