//! Recovery codes: ten that are shown once and work once each.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{
    id::FactorId,
    secret::{Digest, Secrets, Vault},
};

/// So many are handed out at a time.
pub const RECOVERY_CODES: usize = 10;

/// `ABCDE-FGHJK`: ten characters of Crockford's base32, and so 50 random bits.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct RecoveryCode(SecretString);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a recovery code, such as `ABCDE-FGHJK`")]
pub struct RecoveryCodeError;

const SYMBOLS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUP: usize = 5;

impl RecoveryCode {
    pub fn generate(secrets: &dyn Secrets) -> Self {
        // 256 is a multiple of the number of symbols, so each is as likely as the others.
        let symbol = |byte: &u8| SYMBOLS.chars().cycle().nth(usize::from(*byte));
        let bytes = secrets.bytes();
        let group = |from| bytes.iter().skip(from).take(GROUP).filter_map(symbol).collect::<String>();
        Self(format!("{}-{}", group(0), group(GROUP)).into())
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is kept of it: 50 bits are too few for a digest that anybody can compute, so it takes a key.
    pub(super) fn fingerprint(&self, factor: FactorId, vault: &dyn Vault) -> Digest {
        vault.fingerprint(&context(factor), self.expose().as_bytes())
    }

    /// Which of them it is.
    pub(super) fn find(&self, factor: FactorId, among: &[Digest], vault: &dyn Vault) -> Option<Digest> {
        let (context, text) = (context(factor), self.expose().as_bytes());
        among.iter().find(|digest| vault.recognises(&context, text, digest)).copied()
    }
}

fn context(factor: FactorId) -> String {
    format!("recovery code {factor}")
}

impl TryFrom<String> for RecoveryCode {
    type Error = RecoveryCodeError;

    /// Hyphens, spaces and case do not matter, and letters that look like a digit are read as the digit.
    fn try_from(text: String) -> Result<Self, RecoveryCodeError> {
        let typed = text.chars().filter(|c| !matches!(c, '-' | ' '));
        let mut code: String = typed.map(|c| read_as(c.to_ascii_uppercase())).collect();
        if code.len() != 2 * GROUP || !code.chars().all(|c| SYMBOLS.contains(c)) {
            return Err(RecoveryCodeError);
        }
        code.insert(GROUP, '-');
        Ok(Self(code.into()))
    }
}

fn read_as(c: char) -> char {
    match c {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Counted, GlassVault, people};
    use rstest::rstest;

    fn read(text: &str) -> Option<String> {
        RecoveryCode::try_from(text.to_owned()).ok().map(|code| code.expose().to_owned())
    }

    #[test]
    fn a_fresh_code_reads_as_it_is_written() {
        let code = RecoveryCode::generate(&Counted::default());
        assert_eq!(code.expose().len(), 11);
        assert_eq!(read(code.expose()).as_deref(), Some(code.expose()));
    }

    #[rstest]
    #[case("ABCDE-FGHJK", Some("ABCDE-FGHJK"))]
    #[case("abcdefghjk", Some("ABCDE-FGHJK"))]
    #[case(" abcde fghjk ", Some("ABCDE-FGHJK"))]
    #[case("OIL00-00000", Some("01100-00000"))]
    #[case("ABCDE-FGHJU", None)]
    #[case("ABCDE-FGHJ", None)]
    #[case("ABCDE-FGHJKM", None)]
    #[case("ÄBCDE-FGHJK", None)]
    #[case("", None)]
    fn a_code_is_read_kindly(#[case] text: &str, #[case] code: Option<&str>) {
        assert_eq!(read(text).as_deref(), code);
    }

    #[test]
    fn a_code_is_found_among_those_of_its_factor() {
        let (one, two) = (FactorId::new(people::uuid(1)), FactorId::new(people::uuid(2)));
        let secrets = Counted::default();
        let codes: Vec<_> = (0..3).map(|_| RecoveryCode::generate(&secrets)).collect();
        let kept: Vec<_> = codes.iter().map(|code| code.fingerprint(one, &GlassVault)).collect();
        assert_eq!(codes[1].find(one, &kept, &GlassVault), Some(kept[1]));
        assert_eq!(codes[1].find(two, &kept, &GlassVault), None);
        assert_eq!(RecoveryCode::generate(&secrets).find(one, &kept, &GlassVault), None);
    }
}
