use std::str::FromStr;

use crate::{id::AccountId, time::Timestamp};

/// Which entries of a log are wanted; what is `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub action: Option<ActionFilter>,
    pub actor_account: Option<AccountId>,
    pub target: Option<TargetFilter>,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
}

/// The public id of a resource, of whatever kind: 1 to 128 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFilter(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the id of a resource, such as `key_…`")]
pub struct TargetFilterError;

impl TargetFilter {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TargetFilter {
    type Err = TargetFilterError;

    fn from_str(text: &str) -> Result<Self, TargetFilterError> {
        let plausible = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if plausible { Ok(Self(text.to_owned())) } else { Err(TargetFilterError) }
    }
}

/// One action, or all that begin with a dotted prefix (`team.*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionFilter {
    Exactly(String),
    /// Ends in a dot.
    Prefix(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an audit action such as `api_key.minted`, or a prefix such as `team.*`")]
pub struct ActionFilterError;

impl FromStr for ActionFilter {
    type Err = ActionFilterError;

    /// Any well-formed word is accepted: an action that this version does not know simply finds nothing.
    fn from_str(text: &str) -> Result<Self, ActionFilterError> {
        let well_formed = |word: &str| {
            (1..=64).contains(&word.len())
                && word
                    .split('.')
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        };
        match text.strip_suffix(".*") {
            Some(prefix) if well_formed(prefix) => Ok(Self::Prefix(format!("{prefix}."))),
            None if well_formed(text) => Ok(Self::Exactly(text.to_owned())),
            _ => Err(ActionFilterError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::exact("team.updated", Ok(ActionFilter::Exactly("team.updated".into())))]
    #[case::prefix("team.*", Ok(ActionFilter::Prefix("team.".into())))]
    #[case::deeper_prefix("a.b.*", Ok(ActionFilter::Prefix("a.b.".into())))]
    #[case::star_alone("*", Err(ActionFilterError))]
    #[case::star_inside("te*m", Err(ActionFilterError))]
    #[case::like_pattern("team.%", Err(ActionFilterError))]
    #[case::empty("", Err(ActionFilterError))]
    #[case::empty_part("team..x", Err(ActionFilterError))]
    fn cases(#[case] text: &str, #[case] expected: Result<ActionFilter, ActionFilterError>) {
        assert_eq!(text.parse(), expected);
    }
}
