use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::text;

/// What a browser passes itself off as: 3 to 60 of a-z, 0-9 and underscore. Which ones there are is not this service's
/// business.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Archetype(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an archetype has {} to {} characters of a-z, 0-9 and `_`", Archetype::MIN_CHARS, Archetype::MAX_CHARS)]
pub struct ArchetypeError;

impl Archetype {
    pub const MIN_CHARS: usize = 3;
    pub const MAX_CHARS: usize = 60;
}

impl Default for Archetype {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl FromStr for Archetype {
    type Err = ArchetypeError;

    fn from_str(text: &str) -> Result<Self, ArchetypeError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let fits = (Self::MIN_CHARS..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(ArchetypeError) }
    }
}

text!(Archetype, ArchetypeError);

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::shortest("abc", true)]
    #[case::too_short("ab", false)]
    #[case::longest(&"a".repeat(60), true)]
    #[case::too_long(&"a".repeat(61), false)]
    #[case::all_kinds("iphone_15_pro", true)]
    #[case::upper_case("iPhone", false)]
    #[case::hyphen("iphone-15", false)]
    #[case::another_alphabet("äöü", false)]
    fn an_archetype(#[case] text: &str, #[case] fits: bool) {
        assert_eq!(text.parse::<Archetype>().is_ok(), fits);
    }

    #[test]
    fn the_default_is_one() {
        assert_eq!(Archetype::default().as_str().parse(), Ok(Archetype::default()));
    }
}
