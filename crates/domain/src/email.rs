//! E-mail addresses in one spelling, so that equality of the text is equality of the mailbox.

use std::str::FromStr;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::text::text;

/// An address with its domain in ASCII (IDNA) and the whole in lower case; at most 254 bytes (RFC 5321).
///
/// Folding happens here and nowhere else: stores compare bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Email(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    #[error("not an e-mail address; expected something like `ana@example.com`")]
    Malformed,
    #[error("an e-mail address has at most {} bytes", Email::MAX_BYTES)]
    TooLong,
}

impl Email {
    pub const MAX_BYTES: usize = 254;

    /// An address that is nobody's, in a domain that there will never be (RFC 2606).
    pub fn nobodys(id: Uuid) -> Self {
        Self(format!("{}@purged.invalid", id.as_simple()))
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let (local, domain) = text.trim().rsplit_once('@').ok_or(EmailError::Malformed)?;
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| EmailError::Malformed)?;
        let folded = format!("{}@{domain}", local.to_lowercase());
        if folded.len() > Self::MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        EmailAddress::parse_with_options(&folded, options).map_err(|_| EmailError::Malformed)?;
        // A quoted local part may legally hold spaces and line breaks; no mailbox that a person signs up with does.
        if folded.contains('"') || folded.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(EmailError::Malformed);
        }
        Ok(Self(folded))
    }
}

text!(Email, EmailError);

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn an_address_of_nobody_is_one_too() {
        let email = Email::nobodys(crate::testing::people::uuid(1));
        assert_eq!(email.as_str().parse(), Ok(email.clone()));
    }

    #[rstest]
    #[case::plain("ana@example.com", "ana@example.com")]
    #[case::upper_case("Ana@Example.COM", "ana@example.com")]
    #[case::spaces_around("  ana@example.com ", "ana@example.com")]
    #[case::plus("ana+driftstack@example.com", "ana+driftstack@example.com")]
    #[case::idna("ana@bücher.example", "ana@xn--bcher-kva.example")]
    fn one_mailbox_has_one_spelling(#[case] text: &str, #[case] folded: &str) {
        assert_eq!(text.parse::<Email>().unwrap().as_str(), folded);
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_at("ana.example.com")]
    #[case::no_domain("ana@")]
    #[case::no_local("@example.com")]
    #[case::two_ats("ana@bo@example.com")]
    #[case::space_inside("ana b@example.com")]
    #[case::no_top_level_domain("ana@localhost")]
    #[case::line_break("ana@example.com\r\nBcc: x@example.com")]
    #[case::nul("an\0a@example.com")]
    #[case::quoted("\"ana b\"@example.com")]
    #[case::display_name("Ana <ana@example.com>")]
    fn what_is_not_a_mailbox_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Email>(), Err(EmailError::Malformed));
    }

    #[test]
    fn a_long_address_is_refused() {
        let text = format!("{}@example.com", "a".repeat(250));
        assert_eq!(text.parse::<Email>(), Err(EmailError::TooLong));
    }
}
