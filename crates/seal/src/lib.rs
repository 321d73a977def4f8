//! Passwords, session tokens and encryption at rest: the domain's secret-keeping ports, with well-known cryptography.
//!
//! * [`KeyRing`] is a file of keys. The newest seals, all of them open, so a key can be replaced without signing anybody out.
//! * [`PasetoTokens`] are the domain's session tokens, as PASETO v4.local.
//! * [`AesVault`] encrypts what a database row must not show, with AES-256-GCM.
//! * [`HmacSignatures`] prove that this deployment has said something, with HMAC-SHA256.
//! * [`Argon2Passwords`] hashes passwords with argon2id, a few at a time.
//! * [`OsSecrets`] is the operating system's randomness.

mod halt;
mod key_file;
mod key_text;
mod keys;
mod password;
mod pool;
mod random;
mod ring;
mod signature;
mod token;
mod vault;

pub use key_text::{KeyTextError, WrongKey};
pub use keys::{KeyRing, KeysError};
pub use password::Argon2Passwords;
pub use random::OsSecrets;
pub use signature::HmacSignatures;
pub use token::PasetoTokens;
pub use vault::AesVault;
