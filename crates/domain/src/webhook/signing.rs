//! How a receiver knows that a delivery is ours and unchanged.

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::endpoint::WebhookSecret;
use crate::{id::EventId, time::Timestamp};

/// A header by its lower-case name.
pub type SignatureHeader = (&'static str, String);

/// The headers that sign a body, of both families, with every secret that is good now, the newest first.
///
/// `x-driftstack-signature` is keyed with the text of the secret, over `<unix seconds>.<body>`. The others are those of
/// Standard Webhooks: keyed with the bytes that the text encodes, over `<event id>.<unix seconds>.<body>`.
pub fn sign(secrets: &[WebhookSecret], event: EventId, at: Timestamp, body: &str) -> [SignatureHeader; 4] {
    let seconds = at.unix_seconds();
    let (own, standard) = (format!("{seconds}.{body}"), format!("{event}.{seconds}.{body}"));
    let own: Vec<String> = secrets
        .iter()
        .map(|secret| format!(",v1={}", HEXLOWER.encode(&mac(secret.expose().as_bytes(), &own))))
        .collect();
    let standard: Vec<String> =
        secrets.iter().map(|secret| format!("v1,{}", BASE64.encode(&mac(&secret.bytes(), &standard)))).collect();
    [
        ("x-driftstack-signature", format!("t={seconds}{}", own.concat())),
        ("webhook-id", event.to_string()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", standard.join(" ")),
    ]
}

fn mac(key: &[u8], text: &str) -> [u8; 32] {
    // HMAC takes a key of any length, so there is no error to pass on.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(text.as_bytes()).finalize().into_bytes().into())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::people;
    use rstest::rstest;

    /// The test cases of RFC 4231 for SHA-256.
    #[rstest]
    #[case::one(&[0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")]
    #[case::two(
        b"Jefe",
        "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )]
    #[case::six(&[0xaa; 131], "Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")]
    fn the_mac_is_hmac_sha256(#[case] key: &[u8], #[case] text: &str, #[case] hex: &str) {
        assert_eq!(HEXLOWER.encode(&mac(key, text)), hex);
    }

    fn secret(byte: u8) -> WebhookSecret {
        WebhookSecret::parse(&format!("whsec_{}", BASE64.encode(&[byte; 32]))).unwrap()
    }

    /// Computed once by another implementation; it never changes.
    #[test]
    fn both_families_are_signed_as_ever() {
        let headers = sign(&[secret(7)], EventId::new(people::uuid(1)), people::NOW, "{}");
        assert_eq!(
            headers.each_ref().map(|(name, value)| (*name, value.as_str())),
            [
                (
                    "x-driftstack-signature",
                    "t=1778590800,v1=ab4cf3673827e52155dc11cc09d8c005f20de396a275b6f33d0af141bff942d4"
                ),
                ("webhook-id", "0192f0c1-2345-7000-8000-000000000001"),
                ("webhook-timestamp", "1778590800"),
                ("webhook-signature", "v1,JGI0qW2wxIn95Y6lMfjnwnIPQ27wE0X+sQuowxZJ70U="),
            ]
        );
    }

    #[test]
    fn two_secrets_sign_side_by_side() {
        let event = EventId::new(people::uuid(1));
        let both = sign(&[secret(8), secret(7)], event, people::NOW, "{}");
        let (new, old) = (sign(&[secret(8)], event, people::NOW, "{}"), sign(&[secret(7)], event, people::NOW, "{}"));
        let hex = |headers: &[SignatureHeader; 4]| headers[0].1.split_once(",v1=").unwrap().1.to_owned();
        assert_eq!(both[0].1, format!("t=1778590800,v1={},v1={}", hex(&new), hex(&old)));
        assert_eq!(both[3].1, format!("{} {}", new[3].1, old[3].1));
    }

    #[test]
    fn an_independent_verifier_agrees() {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap();
        let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap()).unwrap();
        let (old, new, body) = (secret(7), secret(8), r#"{"type":"test.ping","data":{"ä":"ö"}}"#);
        let mut headers =
            standardwebhooks_headers(&sign(&[new.clone(), old.clone()], EventId::new(people::uuid(1)), now, body));
        for secret in [&old, &new] {
            let verifier = standardwebhooks::Webhook::new(secret.expose()).unwrap();
            assert!(verifier.verify(body.as_bytes(), &headers).is_ok());
            assert!(verifier.verify(b"{}", &headers).is_err());
        }
        let other = standardwebhooks::Webhook::new(secret(9).expose()).unwrap();
        assert!(other.verify(body.as_bytes(), &headers).is_err());
        headers.insert("webhook-id", "another".parse().unwrap());
        assert!(standardwebhooks::Webhook::new(new.expose()).unwrap().verify(body.as_bytes(), &headers).is_err());
    }

    fn standardwebhooks_headers(headers: &[SignatureHeader]) -> http::HeaderMap {
        headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }
}
