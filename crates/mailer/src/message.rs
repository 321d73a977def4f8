use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};

use driftstack_domain::mail::{Mail, MailError};
use lettre::{
    Address, Message,
    message::{
        Body, Mailbox,
        header::{ContentTransferEncoding, ContentType, MIME_VERSION_1_0},
    },
};

use crate::render::Rendered;

/// Who the mails come from: an address, alone or with a name, such as `Driftstack <no-reply@example.com>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a sender such as `Driftstack <no-reply@example.com>`")]
pub struct SenderError;

impl FromStr for Sender {
    type Err = SenderError;

    fn from_str(text: &str) -> Result<Self, SenderError> {
        if text.chars().any(char::is_control) {
            return Err(SenderError);
        }
        text.parse().map(Self).map_err(|_| SenderError)
    }
}

/// The mail as RFC 5322 has it.
///
/// Its `Message-ID` is made of the mail's id: when it is sent again, the reader's program sees one mail.
pub(crate) fn message(from: &Sender, mail: &Mail, rendered: &Rendered) -> Result<Message, MailError> {
    let to: Address = mail.to.as_str().parse().map_err(refused)?;
    Message::builder()
        .message_id(Some(format!("<{}@{}>", mail.id, from.0.email.domain())))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(mail.at.millis().unsigned_abs()))
        .from(from.0.clone())
        .to(Mailbox::new(None, to))
        .subject(&rendered.subject)
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(body(&rendered.text))
        .map_err(refused)
}

/// The text as it is.
///
/// Lettre would break lines of more than 76 characters with quoted-printable, and a link that is broken like that is of no use
/// to somebody who looks for it in the file. A link has at most some 700 characters and a name 120, and mail allows 998.
fn body(text: &str) -> Body {
    let encoding = if text.is_ascii() { ContentTransferEncoding::SevenBit } else { ContentTransferEncoding::EightBit };
    Body::dangerous_pre_encoded(text.replace('\n', "\r\n").into_bytes(), encoding)
}

fn refused(error: impl std::error::Error) -> MailError {
    MailError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        render::render,
        testing::{BASE, TOKEN, invite, mail},
    };
    use driftstack_domain::{
        mail::MailContent,
        policy::Role,
        testing::people::{self, LATER},
    };
    use mailparse::{MailHeaderMap, ParsedMail};
    use rstest::rstest;

    fn bytes(mail: &Mail) -> Vec<u8> {
        let from = "Driftstack <no-reply@example.org>".parse().unwrap();
        let rendered = render(mail, &BASE.parse().unwrap()).unwrap();
        message(&from, mail, &rendered).unwrap().formatted()
    }

    /// As somebody else's program reads it.
    fn read(bytes: &[u8]) -> ParsedMail<'_> {
        mailparse::parse_mail(bytes).unwrap()
    }

    fn header(mail: &ParsedMail<'_>, name: &str) -> String {
        mail.headers.get_first_value(name).unwrap_or_default()
    }

    #[test]
    fn a_mail_has_its_headers_once() {
        let written = bytes(&mail(MailContent::SignupVerification { expires_at: LATER }));
        let it = read(&written);
        for (name, value) in [
            ("From", "Driftstack <no-reply@example.org>"),
            ("To", "ada@example.com"),
            ("Subject", "Confirm your e-mail address"),
            ("Date", "Tue, 12 May 2026 13:00:00 +0000"),
            ("Message-ID", &*format!("<{}@example.org>", people::uuid(0x40))),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "7bit"),
        ] {
            let values = it.headers.get_all_values(name);
            assert_eq!(values.len(), 1, "{name}");
            assert_eq!(values[0].replace('"', ""), value, "{name}");
        }
        assert_eq!(it.headers.len(), 8);
    }

    #[test]
    fn the_text_arrives_as_it_was_rendered() {
        for content in [MailContent::SignupVerification { expires_at: LATER }, invite("Ærø 株式会社 🦀", Role::Admin)]
        {
            let mail = mail(content);
            let written = bytes(&mail);
            let rendered = render(&mail, &BASE.parse().unwrap()).unwrap();
            assert_eq!(read(&written).get_body().unwrap().replace("\r\n", "\n"), rendered.text);
            assert!(rendered.text.lines().any(|line| line.ends_with(&format!("?token={TOKEN}"))));
        }
    }

    #[rstest]
    #[case::plain("Acme")]
    #[case::not_ascii("Ærøskøbing 株式会社 🦀")]
    #[case::quotes("\"Acme\" <x@example.com>, Bo")]
    #[case::header("x Bcc: eve@example.com")]
    #[case::encoded_word("=?utf-8?Q?=0D=0ABcc:_eve@example.com?=")]
    #[case::line_separators("Acme\u{2028}Bcc: eve@example.com\u{2029}")]
    #[case::turned_around("\u{202e}moc.elpmaxe")]
    #[case::like_a_body("Acme . -- ")]
    #[case::long(&"株".repeat(120))]
    #[case::one_long_word(&"a".repeat(120))]
    fn no_team_name_gets_out_of_its_place(#[case] team: &str) {
        let mail = mail(invite(team, Role::Member));
        let written = bytes(&mail);
        let it = read(&written);
        let rendered = render(&mail, &BASE.parse().unwrap()).unwrap();
        assert_eq!(header(&it, "Subject"), rendered.subject);
        assert_eq!(header(&it, "To"), "ada@example.com");
        assert_eq!(it.headers.len(), 8);
        let (head, _) = std::str::from_utf8(&written).unwrap().split_once("\r\n\r\n").unwrap();
        assert!(head.is_ascii() && head.replace("\r\n", "").chars().all(|c| !c.is_control()), "{head}");
    }

    #[test]
    fn every_line_is_short_enough_for_mail() {
        let widest = format!("https://{}", "a".repeat(492)).parse().unwrap();
        let mail = mail(invite(&"🦀".repeat(120), Role::Admin));
        let from = "no-reply@example.org".parse().unwrap();
        let written = message(&from, &mail, &render(&mail, &widest).unwrap()).unwrap().formatted();
        assert!(written.split(|byte| *byte == b'\n').all(|line| line.len() <= 999));
        assert!(!String::from_utf8(written).unwrap().replace("\r\n", "").contains(['\r', '\n']));
    }

    #[rstest]
    #[case::plus("ana+driftstack@example.com")]
    #[case::idna("ana@bücher.example")]
    #[case::not_ascii("аня@example.com")]
    #[case::odd("!#$%&'*/=?^_`{|}~-@example.com")]
    #[case::long(&format!("{}@{}.example.com", "a".repeat(64), "b".repeat(60)))]
    fn an_address_that_the_domain_takes_can_be_written_to(#[case] address: &str) {
        let mut mail = mail(MailContent::SignupWelcome);
        mail.to = people::email(address);
        assert_eq!(header(&read(&bytes(&mail)), "To"), mail.to.as_str());
    }

    #[rstest]
    #[case::plain("no-reply@example.com", true)]
    #[case::named("Driftstack <no-reply@example.com>", true)]
    #[case::not_an_address("Driftstack", false)]
    #[case::empty("", false)]
    #[case::line_break("Driftstack\r\nBcc: x@example.com <no-reply@example.com>", false)]
    #[case::tab("Drift\tstack <no-reply@example.com>", false)]
    #[case::quoted_line_break("\"Drift\r\nBcc: x@example.com\" <no-reply@example.com>", false)]
    fn a_sender(#[case] text: &str, #[case] fits: bool) {
        assert_eq!(text.parse::<Sender>().is_ok(), fits);
    }
}
