//! Codes that an authenticator computes from a shared secret and the time.

use std::{fmt, time::Duration};

use data_encoding::BASE32_NOPAD;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::Deserialize;
use totp_rs::{Builder, Totp};

use crate::{
    email::Email,
    id::FactorId,
    secret::{Sealed, Secrets, UnsealError, Vault},
    time::Timestamp,
};

/// Digits of a code.
pub const DIGITS: u8 = 6;
/// A code is new each time this has passed.
pub const PERIOD: Duration = Duration::from_secs(30);
/// Codes of so many periods before and after are good too: clocks differ, and people type slowly.
const WINDOW: u16 = 1;
/// What authenticators show above the code.
const ISSUER: &str = "driftstack";

/// Six digits, as they were typed; spaces in between are left out.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct TotpCode(SecretString);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the {DIGITS} digits that the authenticator shows")]
pub struct TotpCodeError;

impl TryFrom<String> for TotpCode {
    type Error = TotpCodeError;

    fn try_from(text: String) -> Result<Self, TotpCodeError> {
        let digits: String = text.chars().filter(|c| *c != ' ').collect();
        let fits = digits.len() == usize::from(DIGITS) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(digits.into())) } else { Err(TotpCodeError) }
    }
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpCode(…)")
    }
}

/// What an authenticator and the service share: 160 random bits, the length of the hash behind the codes.
pub struct TotpSecret(SecretBox<[u8; Self::BYTES]>);

fn context(id: FactorId) -> String {
    format!("factor {id}")
}

impl TotpSecret {
    const BYTES: usize = 20;

    pub fn generate(secrets: &dyn Secrets) -> Self {
        let random = secrets.bytes();
        Self(SecretBox::init_with_mut(|secret: &mut [u8; Self::BYTES]| {
            secret.iter_mut().zip(random).for_each(|(to, from)| *to = from);
        }))
    }

    /// Encrypted, and bound to the row that it will lie in.
    pub(super) fn seal(&self, factor: FactorId, vault: &dyn Vault) -> Sealed {
        vault.seal(&context(factor), self.0.expose_secret())
    }

    pub(super) fn unseal(factor: FactorId, sealed: &Sealed, vault: &dyn Vault) -> Result<Self, UnsealError> {
        let plain = vault.unseal(&context(factor), sealed)?;
        let bytes: [u8; Self::BYTES] = plain.try_into().map_err(|_| UnsealError)?;
        Ok(Self(SecretBox::new(Box::new(bytes))))
    }

    /// As people type it where they cannot scan: base32 without padding.
    pub fn to_base32(&self) -> SecretString {
        BASE32_NOPAD.encode(self.0.expose_secret()).into()
    }

    /// As authenticators scan it. Hash, digits and period are the ones that every authenticator takes for granted.
    pub fn to_uri(&self, account: &Email) -> SecretString {
        // A colon would end the issuer; the address is a label for the reader, and may be spelt without.
        let totp = self.totp_for(&account.as_str().replace(':', ""));
        totp.to_url().unwrap_or_default().into()
    }

    /// The time step of the code, if it is one of this secret at about that time. Compares in constant time.
    pub fn step_of(&self, code: &TotpCode, now: Timestamp) -> Option<i64> {
        let now = u64::try_from(now.unix_seconds()).ok()?;
        let step = self.totp_for("").check(code.0.expose_secret(), now)?;
        i64::try_from(step).ok()
    }

    fn totp_for(&self, account: &str) -> Totp {
        Builder::new()
            .with_digits(DIGITS)
            .with_skew(WINDOW)
            .with_step_duration(PERIOD.as_secs())
            .with_secret(*self.0.expose_secret())
            .with_issuer(Some(ISSUER))
            .with_account_name(account)
            .build_noncompliant()
    }

    /// The code of a moment: what the authenticator in a test shows.
    #[cfg(any(test, feature = "testing"))]
    pub fn code_at(&self, at: Timestamp) -> String {
        self.totp_for("").generate(u64::try_from(at.unix_seconds()).unwrap_or(0)).to_string()
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn from_base32(text: &str) -> Option<Self> {
        let bytes: [u8; Self::BYTES] = BASE32_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()?;
        Some(Self(SecretBox::new(Box::new(bytes))))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{GlassVault, people};
    use rstest::rstest;

    /// The secret of the test vectors in appendix B of RFC 6238.
    fn secret() -> TotpSecret {
        TotpSecret(SecretBox::new(Box::new(*b"12345678901234567890")))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000).unwrap()
    }

    fn code(text: &str) -> TotpCode {
        TotpCode::try_from(text.to_owned()).unwrap()
    }

    /// The vectors have eight digits; six are the last six of them.
    #[rstest]
    #[case(59, "287082")]
    #[case(1_111_111_109, "081804")]
    #[case(1_111_111_111, "050471")]
    #[case(1_234_567_890, "005924")]
    #[case(2_000_000_000, "279037")]
    #[case(20_000_000_000, "353130")]
    fn the_vectors_of_the_rfc(#[case] seconds: i64, #[case] text: &str) {
        assert_eq!(secret().step_of(&code(text), at(seconds)), Some(seconds / 30));
        assert_eq!(secret().code_at(at(seconds)), text);
    }

    #[test]
    fn a_code_is_good_one_period_early_and_late() {
        let shown = code(&secret().code_at(at(3000)));
        for (now, good) in [(2969, false), (2970, true), (3000, true), (3059, true), (3060, false)] {
            assert_eq!(secret().step_of(&shown, at(now)).is_some(), good, "{now}");
            assert!(secret().step_of(&shown, at(now)).is_none_or(|step| step == 100), "the step is that of the code");
        }
    }

    #[rstest]
    #[case("287082", true)]
    #[case("287 082", true)]
    #[case("28708", false)]
    #[case("2870822", false)]
    #[case("28708a", false)]
    #[case("２８７０８２", false)]
    #[case("", false)]
    fn a_code_has_six_digits(#[case] text: &str, #[case] fits: bool) {
        assert_eq!(TotpCode::try_from(text.to_owned()).is_ok(), fits);
    }

    #[test]
    fn an_authenticator_can_scan_it() {
        let uri = secret().to_uri(&people::email("ada@example.com"));
        assert_eq!(
            uri.expose_secret(),
            "otpauth://totp/driftstack:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=driftstack"
        );
        assert_eq!(secret().to_base32().expose_secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_sealed_secret_opens_in_its_row_alone() {
        let (one, two) = (FactorId::new(people::uuid(1)), FactorId::new(people::uuid(2)));
        let sealed = secret().seal(one, &GlassVault);
        assert!(TotpSecret::unseal(one, &sealed, &GlassVault).is_ok());
        assert!(TotpSecret::unseal(two, &sealed, &GlassVault).is_err());
    }

    #[test]
    fn nothing_of_it_is_printed() {
        assert_eq!(format!("{:?} {:?}", secret(), code("287082")), "TotpSecret(…) TotpCode(…)");
    }
}
