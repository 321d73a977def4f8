use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload, consts::U12},
};
use driftstack_domain::secret::{Digest, OwnKey, Sealed, UnsealError, Vault};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{halt::halt, keys::KeyRing, random::random, ring::Ring};

const VERSION: u8 = 1;
/// What is sealed under a key of its own: the key has no name.
const UNDER_OWN_KEY: u8 = 2;
const NONCE_BYTES: usize = 12;

/// Encryption at rest with AES-256-GCM.
///
/// What it seals is `version (1), length of the key's name (1), name, nonce (12), ciphertext and tag (16)`. The context is
/// authenticated but not stored, so that bytes which are copied to another row do not open there.
///
/// A nonce is random, which is safe for about four thousand million seals with one key: add a key before that.
///
/// A key of its own is 256 random bits, sealed as everything is. What lies under it is `2 (1), nonce (12), ciphertext and tag (16)`.
///
/// A fingerprint is HMAC-SHA-256 of the context and the secret, under a key that is derived from the vault's own.
pub struct AesVault {
    keys: Ring<Aes256Gcm>,
    fingerprint_keys: Ring<Hmac<Sha256>>,
}

impl AesVault {
    pub fn new(keys: &KeyRing) -> Self {
        Self { keys: keys.vault_keys(), fingerprint_keys: keys.fingerprint_keys() }
    }

    fn try_unseal(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (version, rest) = sealed.split_first()?;
        let (length, rest) = rest.split_first()?;
        let (id, rest) = rest.split_at_checked(usize::from(*length))?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE_BYTES>()?;
        if *version != VERSION {
            return None;
        }
        let payload = Payload { msg, aad: context.as_bytes() };
        self.keys.named(id)?.decrypt(&Nonce::from(*nonce), payload).ok()
    }

    fn cipher(&self, key: &OwnKey) -> Option<Aes256Gcm> {
        Aes256Gcm::new_from_slice(&self.try_unseal(&key.context, &key.sealed.0)?).ok()
    }
}

impl Vault for AesVault {
    fn seal(&self, context: &str, plain: &[u8]) -> Sealed {
        let (id, cipher) = self.keys.newest();
        let nonce: Nonce<U12> = random::<NONCE_BYTES>().into();
        let Ok(ciphertext) = cipher.encrypt(&nonce, Payload { msg: plain, aad: context.as_bytes() }) else {
            halt("AES-GCM takes no more than 64 GiB")
        };
        // A key's name has at most 32 characters, so its length always fits.
        let length = u8::try_from(id.as_bytes().len()).unwrap_or(u8::MAX);
        Sealed([&[VERSION, length], id.as_bytes(), &nonce, &ciphertext].concat())
    }

    fn unseal(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError> {
        self.try_unseal(context, &sealed.0).ok_or(UnsealError)
    }

    fn own_key(&self, context: &str) -> OwnKey {
        OwnKey { context: context.to_owned(), sealed: self.seal(context, &random::<32>()) }
    }

    fn seal_under(&self, key: &OwnKey, context: &str, plain: &[u8]) -> Result<Sealed, UnsealError> {
        let cipher = self.cipher(key).ok_or(UnsealError)?;
        let nonce: Nonce<U12> = random::<NONCE_BYTES>().into();
        let payload = Payload { msg: plain, aad: context.as_bytes() };
        let ciphertext = cipher.encrypt(&nonce, payload).map_err(|_| UnsealError)?;
        Ok(Sealed([&[UNDER_OWN_KEY], nonce.as_slice(), &ciphertext].concat()))
    }

    fn unseal_under(&self, key: &OwnKey, context: &str, sealed: &Sealed) -> Result<Vec<u8>, UnsealError> {
        let opened = || {
            let (version, rest) = sealed.0.split_first()?;
            let (nonce, msg) = rest.split_first_chunk::<NONCE_BYTES>()?;
            let payload = Payload { msg, aad: context.as_bytes() };
            let cipher = self.cipher(key).filter(|_| *version == UNDER_OWN_KEY)?;
            cipher.decrypt(&Nonce::from(*nonce), payload).ok()
        };
        opened().ok_or(UnsealError)
    }

    fn fingerprint(&self, context: &str, plain: &[u8]) -> Digest {
        let (_, key) = self.fingerprint_keys.newest();
        Digest::from_bytes(over(key, context, plain).finalize().into_bytes().into())
    }

    fn recognises(&self, context: &str, plain: &[u8], fingerprint: &Digest) -> bool {
        let mut keys = self.fingerprint_keys.each();
        keys.any(|(_, key)| over(key, context, plain).verify_slice(fingerprint.as_bytes()).is_ok())
    }
}

/// The context goes in with its length, so that nothing of it can be taken for the secret.
fn over(key: &Hmac<Sha256>, context: &str, plain: &[u8]) -> Hmac<Sha256> {
    let length = u64::try_from(context.len()).unwrap_or(u64::MAX).to_be_bytes();
    key.clone().chain_update(length).chain_update(context).chain_update(plain)
}

impl fmt::Debug for AesVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AesVault").field(&self.keys).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::{before_and_after, ring, ring_of};
    use proptest::prelude::*;

    #[test]
    fn what_was_sealed_opens_in_its_context_only() {
        let vault = AesVault::new(&ring());
        let sealed = vault.seal("mail 1", b"secret");
        assert_eq!(vault.unseal("mail 1", &sealed), Ok(b"secret".to_vec()));
        for other in ["mail 2", "mail 10", "mail ", ""] {
            assert_eq!(vault.unseal(other, &sealed), Err(UnsealError), "{other}");
        }
    }

    #[test]
    fn nothing_is_a_secret_too() {
        let vault = AesVault::new(&ring());
        assert_eq!(vault.unseal("", &vault.seal("", b"")), Ok(Vec::new()));
    }

    #[test]
    fn the_same_secret_looks_different_each_time() {
        let vault = AesVault::new(&ring());
        let (one, two) = (vault.seal("c", b"secret"), vault.seal("c", b"secret"));
        assert_ne!(one, two);
        assert!(!one.0.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let vault = AesVault::new(&ring());
        let sealed = vault.seal("c", b"secret");
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert_eq!(vault.unseal("c", &changed), Err(UnsealError), "{at}");
        }
    }

    #[test]
    fn bytes_that_were_cut_do_not_open() {
        let vault = AesVault::new(&ring());
        let sealed = vault.seal("c", b"secret");
        for length in 0..sealed.0.len() {
            assert_eq!(vault.unseal("c", &Sealed(sealed.0[..length].to_vec())), Err(UnsealError), "{length}");
        }
    }

    #[test]
    fn the_newest_key_seals_and_an_older_one_still_opens() {
        let (before, after) = before_and_after();
        let (before, after) = (AesVault::new(&before), AesVault::new(&after));
        assert_eq!(after.unseal("c", &before.seal("c", b"secret")), Ok(b"secret".to_vec()));
        assert_eq!(before.unseal("c", &after.seal("c", b"secret")), Err(UnsealError));
    }

    #[test]
    fn another_key_of_the_same_name_does_not_open() {
        let (ours, theirs) = (AesVault::new(&ring_of(&[("k", 1)])), AesVault::new(&ring_of(&[("k", 1)])));
        assert_eq!(ours.unseal("c", &theirs.seal("c", b"secret")), Err(UnsealError));
    }

    #[test]
    fn what_lies_under_a_key_of_its_own_opens_with_that_key_in_its_context_only() {
        let vault = AesVault::new(&ring());
        let (mine, other) = (vault.own_key("account 1"), vault.own_key("account 1"));
        let sealed = vault.seal_under(&mine, "entry 1", b"ada@example.com").unwrap();
        assert_eq!(vault.unseal_under(&mine, "entry 1", &sealed), Ok(b"ada@example.com".to_vec()));
        assert_eq!(vault.unseal_under(&mine, "entry 2", &sealed), Err(UnsealError));
        assert_eq!(vault.unseal_under(&other, "entry 1", &sealed), Err(UnsealError));
        let moved = OwnKey { context: "account 2".to_owned(), ..mine.clone() };
        assert_eq!(vault.unseal_under(&moved, "entry 1", &sealed), Err(UnsealError));
        assert_eq!(vault.seal_under(&moved, "entry 1", b"x"), Err(UnsealError));
        assert_eq!(vault.unseal("entry 1", &sealed), Err(UnsealError), "the vault's own keys do not open it");
        assert!(!sealed.0.windows(3).any(|window| window == b"ada"));
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert_eq!(vault.unseal_under(&mine, "entry 1", &changed), Err(UnsealError), "{at}");
            let cut = Sealed(sealed.0[..at].to_vec());
            assert_eq!(vault.unseal_under(&mine, "entry 1", &cut), Err(UnsealError), "{at}");
        }
    }

    #[test]
    fn a_key_of_its_own_outlives_a_newer_key_of_the_vault() {
        let (before, after) = before_and_after();
        let (before, after) = (AesVault::new(&before), AesVault::new(&after));
        let key = before.own_key("account 1");
        let sealed = before.seal_under(&key, "entry 1", b"secret").unwrap();
        assert_eq!(after.unseal_under(&key, "entry 1", &sealed), Ok(b"secret".to_vec()));
    }

    #[test]
    fn a_fingerprint_is_recognised_in_its_context_only() {
        let vault = AesVault::new(&ring());
        let print = vault.fingerprint("factor 1", b"secret");
        assert!(vault.recognises("factor 1", b"secret", &print));
        for (context, plain) in [("factor 2", "secret"), ("factor 1", "secreT"), ("factor 1s", "ecret"), ("", "")] {
            assert!(!vault.recognises(context, plain.as_bytes(), &print), "{context} {plain}");
        }
    }

    #[test]
    fn a_fingerprint_needs_the_key_and_outlives_a_newer_one() {
        let (before, after) = before_and_after();
        let (before, after) = (AesVault::new(&before), AesVault::new(&after));
        let print = before.fingerprint("c", b"secret");
        assert!(after.recognises("c", b"secret", &print));
        assert_ne!(after.fingerprint("c", b"secret"), print);
        assert!(!AesVault::new(&ring()).recognises("c", b"secret", &print));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused(bytes: Vec<u8>) {
            prop_assert_eq!(AesVault::new(&ring()).unseal("c", &Sealed(bytes)), Err(UnsealError));
        }
    }
}
