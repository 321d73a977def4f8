use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::text;

/// What an owner notes on an endpoint: 1 to 200 characters after trimming, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Description(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    #[error("a description has 1 to {} characters; leave it out or say null for none", Description::MAX_CHARS)]
    Length,
    #[error("a description has no control characters")]
    Control,
}

impl Description {
    pub const MAX_CHARS: usize = 200;
}

impl FromStr for Description {
    type Err = DescriptionError;

    fn from_str(text: &str) -> Result<Self, DescriptionError> {
        let trimmed = text.trim();
        if trimmed.chars().any(char::is_control) {
            return Err(DescriptionError::Control);
        }
        match trimmed.chars().count() {
            1..=Self::MAX_CHARS => Ok(Self(trimmed.to_owned())),
            _ => Err(DescriptionError::Length),
        }
    }
}

text!(Description, DescriptionError);
