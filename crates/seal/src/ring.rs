use std::fmt;

use data_encoding::HEXLOWER;
use driftstack_domain::time::Timestamp;
use secrecy::SecretBox;

use crate::random::{fill, random};

/// The name of a key: short, since every token carries it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyId(String);

impl KeyId {
    pub(crate) const MAX_CHARS: usize = 32;

    /// `None` unless it is 1 to 32 letters, digits, `-` or `_`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let fits = (1..=Self::MAX_CHARS).contains(&text.len()) && text.chars().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// Ten hexadecimal digits: two keys of one ring will not get the same name, and tokens stay short.
    fn generate() -> Self {
        Self(HEXLOWER.encode(&random::<5>()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) type Key = SecretBox<[u8; 32]>;

/// One key for each use, since a key is never used for two things.
pub(crate) struct Pair {
    pub(crate) token: Key,
    pub(crate) vault: Key,
}

/// A pair on its way into a ring.
pub(crate) struct Entry {
    pub(crate) id: KeyId,
    pub(crate) created_at: Timestamp,
    pub(crate) pair: Pair,
}

impl Entry {
    pub(crate) fn generate(now: Timestamp) -> Self {
        let key = || Key::init_with_mut(|bytes| fill(bytes));
        Self { id: KeyId::generate(), created_at: now, pair: Pair { token: key(), vault: key() } }
    }
}

/// Keys of one kind under their names. There is always a newest one.
pub(crate) struct Ring<K> {
    newest: (KeyId, K),
    older: Vec<(KeyId, K)>,
}

impl<K> Ring<K> {
    pub(crate) fn new(newest: (KeyId, K), older: Vec<(KeyId, K)>) -> Self {
        Self { newest, older }
    }

    /// The one that seals.
    pub(crate) fn newest(&self) -> (&KeyId, &K) {
        (&self.newest.0, &self.newest.1)
    }

    /// One that opens.
    pub(crate) fn named(&self, id: &[u8]) -> Option<&K> {
        self.each().find(|(key_id, _)| key_id.as_bytes() == id).map(|(_, key)| key)
    }

    pub(crate) fn map<T>(&self, to: impl Fn(&K) -> T) -> Ring<T> {
        let both = |(id, key): &(KeyId, K)| (id.clone(), to(key));
        Ring { newest: both(&self.newest), older: self.older.iter().map(both).collect() }
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &(KeyId, K)> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

/// Names only.
impl<K> fmt::Debug for Ring<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.each().map(|(id, _)| id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_is_short_and_plain() {
        for good in ["a", "2026-11", "k_1", &"a".repeat(32)] {
            assert!(KeyId::parse(good).is_some(), "{good}");
        }
        for bad in ["", "a b", "a.b", "é", "a\n", &"a".repeat(33)] {
            assert!(KeyId::parse(bad).is_none(), "{bad}");
        }
    }
}
