use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    access::{Access, Credential},
    audit::AuditDraft,
    desk::Desk,
    id::{AccountId, ProfileId},
    name::Name,
    session::{Archetype, Metadata},
    text::text,
    time::Timestamp,
};

/// What a profile is for, in somebody's words: at most 500 characters, of the control characters only line breaks and tabs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Description(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    #[error("a description has at most {} characters", Description::MAX_CHARS)]
    Length,
    #[error("a description has no control characters but line breaks and tabs")]
    Control,
}

impl Description {
    pub const MAX_CHARS: usize = 500;
}

impl FromStr for Description {
    type Err = DescriptionError;

    fn from_str(text: &str) -> Result<Self, DescriptionError> {
        if text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')) {
            return Err(DescriptionError::Control);
        }
        if text.chars().count() > Self::MAX_CHARS { Err(DescriptionError::Length) } else { Ok(Self(text.to_owned())) }
    }
}

text!(Description, DescriptionError);

/// What somebody wants of a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileOrder {
    pub name: Name,
    /// `None`: the default.
    pub archetype: Option<Archetype>,
    pub description: Option<Description>,
    pub metadata: Option<Metadata>,
}

/// A profile: what sessions take after. Its name is that of no other profile of the account.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub id: ProfileId,
    /// Whose workspace it is on, and on whose cap it counts.
    pub account: AccountId,
    /// Whoever held the credential.
    pub created_by: AccountId,
    pub created_with: Credential,
    pub name: Name,
    pub archetype: Archetype,
    pub description: Option<Description>,
    pub metadata: Option<Metadata>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Then nothing is left of it but its name.
    pub deleted_at: Option<Timestamp>,
}

impl Profile {
    pub fn is_there(&self) -> bool {
        self.deleted_at.is_none()
    }

    pub(super) fn new(desk: &Desk, by: &Access, order: ProfileOrder) -> Self {
        let now = desk.now();
        Self {
            id: ProfileId::new(desk.ids.next()),
            account: by.workspace,
            created_by: by.hands,
            created_with: by.credential,
            name: order.name,
            archetype: order.archetype.unwrap_or_default(),
            description: order.description,
            metadata: order.metadata,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }

    pub(super) fn describe(&self, desk: &Desk, entry: AuditDraft) -> AuditDraft {
        entry.on(self.id).with_personal(desk, "name", self.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::nothing("", true)]
    #[case::lines("one\r\n\ttwo", true)]
    #[case::longest(&"ä".repeat(500), true)]
    #[case::too_long(&"ä".repeat(501), false)]
    #[case::nul("a\0b", false)]
    #[case::escape("\u{1b}[31m", false)]
    fn a_description(#[case] text: &str, #[case] fits: bool) {
        assert_eq!(text.parse::<Description>().is_ok(), fits);
    }
}
