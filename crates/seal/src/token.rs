use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use driftstack_domain::{
    id::{AccountId, WebSessionId},
    secret::{SessionTokens, UnsealError},
    time::Timestamp,
    web_session::SessionClaims,
};
use pasetors::{
    Local,
    keys::SymmetricKey,
    token::UntrustedToken,
    version4::{LocalToken, V4},
};
use secrecy::SecretString;
use uuid::Uuid;

use crate::{halt::halt, keys::KeyRing, ring::Ring};

/// What every token is bound to without carrying it. The number is the version of the payload below.
const PURPOSE: &[u8] = b"driftstack web session 1";

/// The longest token there can be has 236 characters; nothing longer is worth decoding.
const MAX_CHARS: usize = 256;

/// Session tokens as PASETO v4.local, with the key's name in the footer.
///
/// The payload is a compact text instead of JSON claims, because the token travels with every request; and nothing here looks
/// at the time, because whether a session is over is for the domain to say.
pub struct PasetoTokens {
    keys: Ring<SymmetricKey<V4>>,
}

impl PasetoTokens {
    pub fn new(keys: &KeyRing) -> Self {
        Self { keys: keys.token_keys() }
    }

    fn try_open(&self, token: &str) -> Option<SessionClaims> {
        if token.len() > MAX_CHARS {
            return None;
        }
        let token = UntrustedToken::<Local, V4>::try_from(token).ok()?;
        // Not authenticated yet: until the decryption has succeeded the footer only picks the key to try.
        let key = self.keys.named(token.untrusted_footer())?;
        let opened = LocalToken::decrypt(key, &token, None, Some(PURPOSE)).ok()?;
        read(opened.payload())
    }
}

impl SessionTokens for PasetoTokens {
    fn seal(&self, claims: &SessionClaims) -> SecretString {
        let (id, key) = self.keys.newest();
        match LocalToken::encrypt(key, write(claims).as_bytes(), Some(id.as_bytes()), Some(PURPOSE)) {
            Ok(token) => token.into(),
            // With a key and a payload that are right by construction only the randomness can be missing.
            Err(_) => halt("a session token could not be sealed"),
        }
    }

    fn open(&self, token: &str) -> Result<SessionClaims, UnsealError> {
        self.try_open(token).ok_or(UnsealError)
    }
}

impl fmt::Debug for PasetoTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PasetoTokens").field(&self.keys).finish()
    }
}

/// `<session>.<account>.<generation>.<expiry>`, the ids in base64url, the expiry in milliseconds. PASETO wants UTF-8.
fn write(claims: &SessionClaims) -> String {
    let id = |uuid: Uuid| BASE64URL_NOPAD.encode(uuid.as_bytes());
    let (session, account) = (id(claims.session.uuid()), id(claims.account.uuid()));
    format!("{session}.{account}.{}.{}", claims.generation, claims.expires_at.millis())
}

fn read(payload: &str) -> Option<SessionClaims> {
    let id = |text: &str| Uuid::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok();
    let mut parts = payload.split('.');
    let claims = SessionClaims {
        session: WebSessionId::new(id(parts.next()?)?),
        account: AccountId::new(id(parts.next()?)?),
        generation: parts.next()?.parse().ok()?,
        expires_at: Timestamp::from_millis(parts.next()?.parse().ok()?).ok()?,
    };
    parts.next().is_none().then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::{before_and_after, ring, ring_of};
    use driftstack_domain::testing::people;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    fn claims() -> SessionClaims {
        SessionClaims { session: people::SESSION, account: people::OLIVE, generation: 7, expires_at: people::LATER }
    }

    fn sealed(tokens: &PasetoTokens) -> String {
        tokens.seal(&claims()).expose_secret().to_owned()
    }

    #[test]
    fn what_was_sealed_opens() {
        let tokens = PasetoTokens::new(&ring());
        assert_eq!(tokens.open(&sealed(&tokens)), Ok(claims()));
    }

    #[test]
    fn the_same_claims_make_another_token_each_time() {
        let tokens = PasetoTokens::new(&ring());
        assert_ne!(sealed(&tokens), sealed(&tokens));
    }

    #[test]
    fn an_expired_token_opens() {
        let tokens = PasetoTokens::new(&ring());
        let long_ago = SessionClaims { expires_at: Timestamp::from_millis(1).unwrap(), ..claims() };
        assert_eq!(tokens.open(tokens.seal(&long_ago).expose_secret()), Ok(long_ago));
    }

    #[test]
    fn a_token_shows_its_key_and_nothing_else() {
        let token = sealed(&PasetoTokens::new(&ring_of(&[("a", 1)])));
        let parts: Vec<&str> = token.split('.').collect();
        let [_, _, body, footer] = parts[..] else { panic!("{token}") };
        assert_eq!(parts[..2], ["v4", "local"]);
        assert_eq!(BASE64URL_NOPAD.decode(footer.as_bytes()).unwrap(), b"a");
        let body = BASE64URL_NOPAD.decode(body.as_bytes()).unwrap();
        let account = BASE64URL_NOPAD.encode(people::OLIVE.uuid().as_bytes());
        assert!(!body.windows(account.len()).any(|window| window == account.as_bytes()));
    }

    #[test]
    fn the_longest_token_is_short_enough_to_open() {
        let tokens = PasetoTokens::new(&ring_of(&[(&"k".repeat(32), 1)]));
        let longest = SessionClaims { generation: i32::MIN, expires_at: Timestamp::MAX, ..claims() };
        let token = tokens.seal(&longest);
        assert_eq!(token.expose_secret().len(), 236);
        assert_eq!(tokens.open(token.expose_secret()), Ok(longest));
    }

    #[test]
    fn a_longer_token_is_not_even_tried() {
        let tokens = PasetoTokens::new(&ring());
        let (id, key) = tokens.keys.newest();
        let payload = write(&claims()).replace(".7.", &format!(".{}7.", "0".repeat(200)));
        let token = LocalToken::encrypt(key, payload.as_bytes(), Some(id.as_bytes()), Some(PURPOSE)).unwrap();
        assert_eq!((read(&payload), tokens.open(&token)), (Some(claims()), Err(UnsealError)));
    }

    #[test]
    fn the_newest_key_seals_and_an_older_one_still_opens() {
        let (before, after) = before_and_after();
        let (before, after) = (PasetoTokens::new(&before), PasetoTokens::new(&after));
        assert_eq!(after.open(&sealed(&before)), Ok(claims()));
        assert_eq!(before.open(&sealed(&after)), Err(UnsealError));
    }

    #[test]
    fn a_retired_key_opens_nothing() {
        let before = PasetoTokens::new(&ring_of(&[("old", 1)]));
        let after = PasetoTokens::new(&ring_of(&[("new", 2)]));
        assert_eq!(after.open(&sealed(&before)), Err(UnsealError));
    }

    #[test]
    fn another_key_of_the_same_name_does_not_open() {
        let (ours, theirs) = (PasetoTokens::new(&ring_of(&[("k", 1)])), PasetoTokens::new(&ring_of(&[("k", 1)])));
        assert_eq!(ours.open(&sealed(&theirs)), Err(UnsealError));
    }

    #[test]
    fn a_token_for_another_purpose_does_not_open() {
        let tokens = PasetoTokens::new(&ring());
        let (id, key) = tokens.keys.newest();
        for purpose in [None, Some(&b"driftstack cursor 1"[..])] {
            let token = LocalToken::encrypt(key, write(&claims()).as_bytes(), Some(id.as_bytes()), purpose).unwrap();
            assert_eq!(tokens.open(&token), Err(UnsealError));
        }
    }

    #[test]
    fn a_payload_that_is_no_claims_does_not_open() {
        let tokens = PasetoTokens::new(&ring());
        let (id, key) = tokens.keys.newest();
        for payload in ["{}", "a.b.1.2", &format!("{}.1", write(&claims())), &write(&claims()).replace(".7.", ".x.")] {
            let token = LocalToken::encrypt(key, payload.as_bytes(), Some(id.as_bytes()), Some(PURPOSE)).unwrap();
            assert_eq!(tokens.open(&token), Err(UnsealError), "{payload}");
        }
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let tokens = PasetoTokens::new(&ring());
        let token = sealed(&tokens);
        for at in 0..token.len() {
            for other in ["A", "B", ".", "~"].iter().filter(|other| **other != &token[at..=at]) {
                let mut changed = token.clone();
                changed.replace_range(at..=at, other);
                assert_eq!(tokens.open(&changed), Err(UnsealError), "{at}: {other}");
            }
        }
    }

    #[test]
    fn a_token_that_was_cut_or_grew_does_not_open() {
        let tokens = PasetoTokens::new(&ring());
        let token = sealed(&tokens);
        for length in 0..token.len() {
            assert_eq!(tokens.open(&token[..length]), Err(UnsealError), "{length}");
        }
        for more in ["A", ".A", "=", " ", "\n"] {
            assert_eq!(tokens.open(&format!("{token}{more}")), Err(UnsealError), "{more:?}");
        }
        assert_eq!(tokens.open(&format!("v4.local.{}.YQ", "A".repeat(1 << 20))), Err(UnsealError));
    }

    proptest! {
        #[test]
        fn any_text_is_refused(text: String, tail in "[A-Za-z0-9_.=-]{0,300}") {
            let tokens = PasetoTokens::new(&ring());
            prop_assert_eq!(tokens.open(&text), Err(UnsealError));
            prop_assert_eq!(tokens.open(&format!("v4.local.{tail}")), Err(UnsealError));
            prop_assert_eq!(read(&text), None);
        }

        #[test]
        fn claims_round_trip(session: u128, account: u128, generation: i32, millis in 0..=Timestamp::MAX.millis()) {
            let claims = SessionClaims {
                session: WebSessionId::new(Uuid::from_u128(session)),
                account: AccountId::new(Uuid::from_u128(account)),
                generation,
                expires_at: Timestamp::from_millis(millis).unwrap(),
            };
            prop_assert_eq!(read(&write(&claims)), Some(claims));
        }
    }
}
