//! What staff write about an account.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{audit::AuditDraft, desk::Desk, text::text};

/// 1 to 2,000 characters after trimming; of the control characters only line breaks and tabs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Remark(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RemarkError {
    #[error("expected 1 to {} characters, not counting spaces around them", Remark::MAX_CHARS)]
    Length,
    #[error("of the control characters only line breaks and tabs are allowed")]
    Control,
}

impl Remark {
    pub const MAX_CHARS: usize = 2_000;
}

impl FromStr for Remark {
    type Err = RemarkError;

    fn from_str(text: &str) -> Result<Self, RemarkError> {
        let trimmed = text.trim();
        if trimmed.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(RemarkError::Control);
        }
        match trimmed.chars().count() {
            1..=Self::MAX_CHARS => Ok(Self(trimmed.to_owned())),
            _ => Err(RemarkError::Length),
        }
    }
}

text!(Remark, RemarkError);

/// An entry with the reason that was given, if one was.
pub(super) fn because(desk: &Desk, entry: AuditDraft, reason: Option<&Remark>) -> AuditDraft {
    match reason {
        Some(reason) => entry.with_personal(desk, "reason", reason.as_str()),
        None => entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::lines(" called twice,\n\twrote once \n", Ok("called twice,\n\twrote once"))]
    #[case::blank(" \n", Err(RemarkError::Length))]
    #[case::nul("a\0b", Err(RemarkError::Control))]
    #[case::escape("a\u{1b}[2Jb", Err(RemarkError::Control))]
    fn cases(#[case] text: &str, #[case] expected: Result<&str, RemarkError>) {
        assert_eq!(text.parse::<Remark>().as_ref().map(Remark::as_str), expected.as_ref().copied());
    }

    #[test]
    fn the_limit_counts_characters() {
        assert!("ø".repeat(Remark::MAX_CHARS).parse::<Remark>().is_ok());
        assert_eq!("ø".repeat(Remark::MAX_CHARS + 1).parse::<Remark>(), Err(RemarkError::Length));
    }
}
