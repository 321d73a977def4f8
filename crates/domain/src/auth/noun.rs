use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{account::AccountStatus, change::Revision, email::Email, id::AccountId, time::Timestamp};

/// 12 to 128 characters. It is never printed.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Password(SecretString);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password has {} to {} characters", Password::MIN_CHARS, Password::MAX_CHARS)]
pub struct PasswordError;

impl Password {
    pub const MIN_CHARS: usize = 12;
    pub const MAX_CHARS: usize = 128;

    /// A password that somebody shows, as opposed to one that they choose: any text, since only the hash tells whether it is
    /// right.
    pub fn shown(text: impl Into<SecretString>) -> Self {
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TryFrom<String> for Password {
    type Error = PasswordError;

    fn try_from(text: String) -> Result<Self, PasswordError> {
        let fits = (Self::MIN_CHARS..=Self::MAX_CHARS).contains(&text.chars().count());
        if fits { Ok(Self(text.into())) } else { Err(PasswordError) }
    }
}

/// A password hash in the PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    pub fn from_phc(text: String) -> Self {
        Self(text)
    }

    /// That of no password: whichever is shown is wrong, after the same time as ever.
    pub fn none() -> Self {
        Self(String::new())
    }

    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What a sign-in is decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSignIn {
    pub account: AccountId,
    pub email: Email,
    pub status: AccountStatus,
    /// Until when a deleted account comes back; see [`Grace`](crate::ending::Grace).
    pub purge_at: Option<Timestamp>,
    pub email_verified: bool,
    pub password: PasswordHash,
    /// Whether a second factor must be shown too.
    pub has_factor: bool,
    pub revision: Revision,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_12_to_128_characters() {
        for (length, fits) in [(11, false), (12, true), (128, true), (129, false)] {
            assert_eq!(Password::try_from("é".repeat(length)).is_ok(), fits, "{length}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let password = Password::try_from("correct horse battery".to_owned()).unwrap();
        assert!(!format!("{password:?}").contains("horse"));
    }
}
