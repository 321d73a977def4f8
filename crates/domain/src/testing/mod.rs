//! What tests of this crate and of its adapters share: a clock that stands still, counted ids, and a few people.

pub mod people;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use uuid::Uuid;

use crate::{
    desk::Desk,
    id::Ids,
    secret::{Digest, OwnKey, Sealed, Secrets, UnsealError, Vault},
    time::{Clock, Timestamp},
};

/// A clock that stands still.
#[derive(Debug)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Ids and secrets that count up.
#[derive(Debug, Default)]
pub struct Counted(AtomicU64);

impl Counted {
    fn count(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

impl Ids for Counted {
    fn next(&self) -> Uuid {
        people::uuid(u128::from(self.count()) + 0x1000)
    }
}

impl Secrets for Counted {
    fn bytes(&self) -> [u8; 32] {
        // Spread, so that whoever takes only a part of it does not get the same part each time.
        *Digest::of(&self.count().to_string()).as_bytes()
    }
}

/// A vault of glass: it remembers the context, and hides nothing but what lies under a key of its own.
#[derive(Debug)]
pub struct GlassVault;

impl Vault for GlassVault {
    fn seal(&self, context: &str, plain: &[u8]) -> Sealed {
        Sealed([context.as_bytes(), b"\0", plain].concat())
    }

    fn unseal(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError> {
        let prefix = [context.as_bytes(), b"\0"].concat();
        sealed.0.strip_prefix(prefix.as_slice()).map(<[u8]>::to_vec).ok_or(UnsealError)
    }

    fn own_key(&self, context: &str) -> OwnKey {
        OwnKey { context: context.to_owned(), sealed: self.seal(context, context.as_bytes()) }
    }

    fn seal_under(&self, key: &OwnKey, context: &str, plain: &[u8]) -> Result<Sealed, UnsealError> {
        self.unseal(&key.context, &key.sealed)?;
        Ok(Sealed(veiled(&self.seal(&format!("{} {context}", key.context), plain).0)))
    }

    fn unseal_under(&self, key: &OwnKey, context: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError> {
        self.unseal(&key.context, &key.sealed)?;
        self.unseal(&format!("{} {context}", key.context), &Sealed(veiled(&sealed.0)))
    }

    fn fingerprint(&self, context: &str, plain: &[u8]) -> Digest {
        Digest::of(&format!("{context}\0{}", String::from_utf8_lossy(plain)))
    }

    fn recognises(&self, context: &str, plain: &[u8], fingerprint: &Digest) -> bool {
        self.fingerprint(context, plain) == *fingerprint
    }
}

/// Unreadable, and readable again when it is done twice.
fn veiled(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ 0xA5).collect()
}

/// A desk at [`people::NOW`].
pub fn desk() -> Desk {
    desk_at(people::NOW)
}

/// A desk at another time.
pub fn desk_at(now: Timestamp) -> Desk {
    Desk {
        clock: Arc::new(FixedClock(now)),
        ids: Arc::new(Counted::default()),
        secrets: Arc::new(Counted::default()),
        vault: Arc::new(GlassVault),
    }
}
