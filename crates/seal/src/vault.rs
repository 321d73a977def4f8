use std::fmt;

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, Payload, consts::U12},
};
use driftstack_domain::secret::{Digest, Sealed, UnsealError, Vault};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{halt::halt, keys::KeyRing, random::random, ring::Ring};

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;

/// Encryption at rest with AES-256-GCM.
///
/// What it seals is `version (1), length of the key's name (1), name, nonce (12), ciphertext and tag (16)`. The context is
/// authenticated but not stored, so that bytes which are copied to another row do not open there.
///
/// A nonce is random, which is safe for about four thousand million seals with one key: add a key before that.
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
