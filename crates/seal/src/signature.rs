use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use driftstack_domain::secret::Signatures;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{halt::halt, keys::KeyRing, ring::Ring};

type Keyed = Hmac<Sha256>;

/// Signatures with HMAC-SHA256: `<name of the key>.<43 characters of base64url>`.
///
/// The same text has the same signature for as long as the newest key stays the newest.
pub struct HmacSignatures {
    keys: Ring<Keyed>,
}

impl HmacSignatures {
    pub fn new(keys: &KeyRing) -> Self {
        Self { keys: keys.signature_keys() }
    }
}

impl Signatures for HmacSignatures {
    fn sign(&self, text: &str) -> String {
        let (id, key) = self.keys.newest();
        let tag = key.clone().chain_update(text.as_bytes()).finalize().into_bytes();
        format!("{}.{}", id.as_str(), BASE64URL_NOPAD.encode(&tag))
    }

    fn is_signed(&self, text: &str, signature: &str) -> bool {
        let Some((id, tag)) = signature.split_once('.') else { return false };
        let Some(key) = self.keys.named(id.as_bytes()) else { return false };
        let Ok(tag) = BASE64URL_NOPAD.decode(tag.as_bytes()) else { return false };
        key.clone().chain_update(text.as_bytes()).verify_slice(&tag).is_ok()
    }
}

impl fmt::Debug for HmacSignatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HmacSignatures").field(&self.keys).finish()
    }
}

/// A key of its own from a key that is used for something else: whoever had one of the two could not find the other.
pub(crate) fn derived(from: &[u8; 32], purpose: &[u8]) -> Keyed {
    let key = keyed(from).chain_update(purpose).finalize().into_bytes();
    keyed(&key.into())
}

fn keyed(key: &[u8; 32]) -> Keyed {
    match Keyed::new_from_slice(key) {
        Ok(keyed) => keyed,
        Err(_) => halt("HMAC takes a key of any length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::{before_and_after, ring, ring_of};
    use proptest::prelude::*;

    #[test]
    fn what_was_signed_is_known_and_nothing_else() {
        let signatures = HmacSignatures::new(&ring());
        let signature = signatures.sign("one text");
        assert!(signatures.is_signed("one text", &signature));
        assert_eq!(signatures.sign("one text"), signature);
        for other in ["one texu", "one text ", "one tex", ""] {
            assert!(!signatures.is_signed(other, &signature), "{other}");
        }
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let signatures = HmacSignatures::new(&ring());
        let signature = signatures.sign("text");
        for at in 0..signature.len() {
            for other in ["A", "B", ".", "~"].iter().filter(|other| **other != &signature[at..=at]) {
                let mut changed = signature.clone();
                changed.replace_range(at..=at, other);
                assert!(!signatures.is_signed("text", &changed), "{changed}");
            }
            assert!(!signatures.is_signed("text", &signature[..at]), "{at}");
        }
        assert!(!signatures.is_signed("text", &format!("{signature}A")));
    }

    #[test]
    fn the_newest_key_signs_and_an_older_one_is_still_known() {
        let (before, after) = before_and_after();
        let (before, after) = (HmacSignatures::new(&before), HmacSignatures::new(&after));
        assert!(after.is_signed("text", &before.sign("text")));
        assert!(!before.is_signed("text", &after.sign("text")));
    }

    #[test]
    fn another_key_of_the_same_name_signs_otherwise() {
        let (ours, theirs) = (HmacSignatures::new(&ring_of(&[("k", 1)])), HmacSignatures::new(&ring_of(&[("k", 1)])));
        assert!(!ours.is_signed("text", &theirs.sign("text")));
    }

    /// The second test case of RFC 4231, whose key is shorter than a block too.
    #[test]
    fn it_is_hmac() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let tag = keyed(&key).chain_update(b"what do ya want for nothing?").finalize().into_bytes();
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(data_encoding::HEXLOWER.encode(&tag), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_refused(signature: String, tail in "[A-Za-z0-9_.=-]{0,60}") {
            let signatures = HmacSignatures::new(&ring());
            prop_assert!(!signatures.is_signed("text", &signature));
            let odd = format!("a.{tail}");
            prop_assert!(!signatures.is_signed("text", &odd));
        }
    }
}
