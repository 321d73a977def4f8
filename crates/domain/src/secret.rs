//! Secrets that are handed out once and kept only as a digest, and the ports that make and protect them.

use std::fmt;

use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use crate::{
    api_key::{KeyPrefix, key_text},
    auth::{Password, PasswordHash},
    web_session::SessionClaims,
};

/// SHA-256 of a secret with 256 bits of randomness. Such a secret cannot be guessed, so a fast hash is enough, and a look-up
/// by digest leaks nothing through its timing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// Where randomness comes from. An implementation MUST use a cryptographically secure source.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Secrets: Send + Sync {
    /// 256 fresh random bits.
    fn bytes(&self) -> [u8; 32];
}

/// The token of a mailed link, or of a challenge: good once, 256 bits in base64url.
#[derive(Debug, Clone)]
pub struct LinkToken(SecretString);

impl LinkToken {
    /// Shorter texts are refused before any look-up.
    pub const MIN_CHARS: usize = 20;
    const MAX_CHARS: usize = 200;

    pub fn generate(secrets: &dyn Secrets) -> Self {
        Self(BASE64URL_NOPAD.encode(&secrets.bytes()).into())
    }

    /// Any text of a plausible length: whether it is a token is for the store to say.
    pub fn parse(text: &str) -> Option<Self> {
        (Self::MIN_CHARS..=Self::MAX_CHARS).contains(&text.len()).then(|| Self(text.into()))
    }

    pub fn digest(&self) -> Digest {
        Digest::of(self.0.expose_secret())
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The text of an API key: `ds_live_` or `bs_live_`, 256 bits in base62, and a checksum.
///
/// The checksum lets a mistyped key be refused without a look-up and lets secret scanners recognise one.
#[derive(Debug, Clone)]
pub struct ApiKeySecret(SecretString);

impl ApiKeySecret {
    pub fn generate(secrets: &dyn Secrets) -> Self {
        Self::generate_with(KeyPrefix::Driftstack, secrets)
    }

    pub fn generate_with(prefix: KeyPrefix, secrets: &dyn Secrets) -> Self {
        Self(key_text::write(prefix, secrets.bytes()).into())
    }

    /// `None` when the checksum does not hold: nobody was ever given this text.
    pub fn parse(text: &str) -> Option<Self> {
        key_text::holds(text).then(|| Self(text.into()))
    }

    pub fn digest(&self) -> Digest {
        Digest::of(self.0.expose_secret())
    }

    /// The part that may be shown in a list: the prefix and the first four characters.
    pub fn shown_prefix(&self) -> String {
        let text = self.0.expose_secret();
        let secret = KeyPrefix::split(text).map_or(text, |(_, rest)| rest).len();
        text.chars().take(text.len() - secret + 4).collect()
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Bytes that only the [`Vault`] can read.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// A key of its own for what is to be forgotten as a whole: whoever removes it makes what lies under it unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKey {
    /// What it is for.
    pub context: String,
    /// By the vault, for that.
    pub sealed: Sealed,
}

/// What was sealed is not what is being opened: another key, another purpose, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed bytes do not open")]
pub struct UnsealError;

/// Secrets at rest: sealed where they must be read again, fingerprinted where they need only be recognised.
///
/// An implementation MUST authenticate what it encrypts, MUST bind it to `context` (a row's id, an account), and MUST open
/// what an older key of its ring has sealed. A fingerprint MUST take a key that is not in the store, so that something short
/// cannot be guessed from the store alone, and those that an older key took MUST still be recognised.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Vault: Send + Sync {
    fn seal(&self, context: &str, plain: &[u8]) -> Sealed;
    fn unseal(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError>;
    /// A fresh key, sealed for what it is for.
    fn own_key(&self, context: &str) -> OwnKey;
    /// What is sealed under a key of its own MUST NOT open without it.
    fn seal_under(&self, key: &OwnKey, context: &str, plain: &[u8]) -> Result<Sealed, UnsealError>;
    fn unseal_under(&self, key: &OwnKey, context: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError>;
    fn fingerprint(&self, context: &str, plain: &[u8]) -> Digest;
    /// Whether the fingerprint was taken of that. MUST compare in constant time.
    fn recognises(&self, context: &str, plain: &[u8], fingerprint: &Digest) -> bool;
}

/// Proofs that this deployment has said something, for texts that are no secret.
///
/// An implementation MUST compare in constant time, and MUST know what an older key of its ring has signed.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Signatures: Send + Sync {
    /// Printable, and fit for a URL as it is.
    fn sign(&self, text: &str) -> String;
    fn is_signed(&self, text: &str, signature: &str) -> bool;
}

/// The text of web-session tokens.
///
/// An implementation MUST encrypt the claims, MUST open what an older key of its ring has sealed, and MUST NOT judge the
/// expiry: the session's row and the domain's clock do.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait SessionTokens: Send + Sync {
    fn seal(&self, claims: &SessionClaims) -> SecretString;
    fn open(&self, token: &str) -> Result<SessionClaims, UnsealError>;
}

/// Password hashing.
///
/// An implementation MUST run a memory-hard function on a bounded pool, so that sign-ins cannot starve other work.
/// `verify` against `None` MUST take the time of a real verification and answer `false`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Passwords: Send + Sync {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsBusy>;
    async fn verify(&self, password: &Password, hash: Option<PasswordHash>) -> Result<bool, PasswordsBusy>;
}

/// The pool has more waiting than it will ever serve in time. The caller may try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many sign-ins are waiting")]
pub struct PasswordsBusy;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let key = ApiKeySecret(SecretString::from("ds_live_abc"));
        assert!(!format!("{key:?}").contains("abc"));
        assert!(!format!("{:?}", Digest::of("abc")).contains("ba7816bf"));
    }

    #[test]
    fn a_short_token_is_not_looked_up() {
        assert!(LinkToken::parse("short").is_none());
        assert!(LinkToken::parse(&"a".repeat(43)).is_some());
        assert!(LinkToken::parse(&"a".repeat(201)).is_none());
    }
}
