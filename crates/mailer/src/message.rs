use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};

use driftstack_domain::mail::{Mail, MailError};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};

use crate::{
    body::{Channel, body},
    render::Rendered,
};

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

/// The mail as RFC 5322 has it: the text first, then the page, so that a reader's program shows the last one that it can.
///
/// Its `Message-ID` is made of the mail's id: when it is sent again, the reader's program sees one mail.
pub(crate) fn message(from: &Sender, mail: &Mail, rendered: &Rendered, channel: Channel) -> Result<Message, MailError> {
    let to: Address = mail.to.as_str().parse().map_err(refused)?;
    let parts = alternatives(mail, rendered, channel)?;
    let mut message = Message::builder()
        .message_id(Some(format!("<{}@{}>", mail.id, from.0.email.domain())))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(mail.at.millis().unsigned_abs()))
        .from(from.0.clone())
        .to(Mailbox::new(None, to))
        .subject(&rendered.subject)
        .multipart(parts)
        .map_err(refused)?;
    message.headers_mut().insert_raw(written_by_a_machine());
    Ok(message)
}

fn alternatives(mail: &Mail, rendered: &Rendered, channel: Channel) -> Result<MultiPart, MailError> {
    let (text, page) = (body(&rendered.text, channel)?, body(&rendered.html, channel)?);
    // RFC 2045 6.4: what holds a part in 8bit is itself 8bit.
    let encoding = match (text.encoding(), page.encoding()) {
        (ContentTransferEncoding::EightBit, _) | (_, ContentTransferEncoding::EightBit) => {
            ContentTransferEncoding::EightBit
        }
        _ => ContentTransferEncoding::SevenBit,
    };
    let part = |kind, body| SinglePart::builder().header(kind).body(body);
    Ok(MultiPart::alternative()
        // The id is made after the words of the mail, so none of them can end a part.
        .boundary(mail.id.to_string())
        .header(encoding)
        .singlepart(part(ContentType::TEXT_PLAIN, text))
        .singlepart(part(ContentType::TEXT_HTML, page)))
}

/// Keeps out-of-office notes from being sent to us (RFC 3834).
fn written_by_a_machine() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

fn refused(error: impl std::error::Error) -> MailError {
    MailError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        render::render,
        testing::{BASE, invite, mail},
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
        message(&from, mail, &rendered, Channel::EightBit).unwrap().formatted()
    }

    const HEADERS: usize = 9;

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
            ("Content-Type", &*format!("multipart/alternative; boundary={}", people::uuid(0x40))),
            ("Content-Transfer-Encoding", "7bit"),
            ("Auto-Submitted", "auto-generated"),
        ] {
            let values = it.headers.get_all_values(name);
            assert_eq!(values.len(), 1, "{name}");
            assert_eq!(values[0].replace('"', ""), value, "{name}");
        }
        assert_eq!(it.headers.len(), HEADERS);
    }

    /// Line breaks are of the mail's own kind on the way.
    fn body_of(part: &ParsedMail<'_>) -> String {
        part.get_body().unwrap().replace("\r\n", "\n").trim_end().to_owned()
    }

    #[rstest]
    #[case::ascii(MailContent::SignupVerification { expires_at: LATER }, Channel::EightBit, "7bit")]
    #[case::more(invite("Ærø 株式会社 🦀", Role::Admin), Channel::EightBit, "8bit")]
    #[case::ascii_where_more_cannot_pass(MailContent::SignupWelcome, Channel::SevenBit, "7bit")]
    #[case::more_where_it_cannot_pass(invite("Ærø 株式会社 🦀", Role::Admin), Channel::SevenBit, "quoted-printable")]
    fn the_text_and_the_page_arrive_as_they_were_rendered(
        #[case] content: MailContent,
        #[case] channel: Channel,
        #[case] encoding: &str,
    ) {
        let (mail, from) = (mail(content), "no-reply@example.org".parse().unwrap());
        let rendered = render(&mail, &BASE.parse().unwrap()).unwrap();
        let written = message(&from, &mail, &rendered, channel).unwrap().formatted();
        let it = read(&written);
        for (part, kind, expected) in
            [(&it.subparts[0], "text/plain", &rendered.text), (&it.subparts[1], "text/html", &rendered.html)]
        {
            assert_eq!((&*part.ctype.mimetype, &*part.ctype.charset), (kind, "utf-8"));
            assert_eq!(header(part, "Content-Transfer-Encoding"), encoding);
            assert_eq!(body_of(part), expected.trim_end());
        }
        let whole = if encoding == "8bit" { "8bit" } else { "7bit" };
        assert_eq!((it.subparts.len(), &*header(&it, "Content-Transfer-Encoding")), (2, whole));
        assert!(written.is_ascii() || channel == Channel::EightBit);
    }

    #[test]
    fn a_mail_that_is_sent_again_is_the_same_to_the_last_byte() {
        let mail = mail(invite("Acme", Role::Admin));
        assert_eq!(bytes(&mail), bytes(&mail));
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
    #[case::like_a_boundary(&format!("--{}--", people::uuid(0x41)))]
    #[case::long(&"株".repeat(120))]
    #[case::one_long_word(&"a".repeat(120))]
    fn no_team_name_gets_out_of_its_place(#[case] team: &str) {
        let mail = mail(invite(team, Role::Member));
        let written = bytes(&mail);
        let it = read(&written);
        let rendered = render(&mail, &BASE.parse().unwrap()).unwrap();
        assert_eq!(header(&it, "Subject"), rendered.subject);
        assert_eq!(header(&it, "To"), "ada@example.com");
        assert_eq!((it.headers.len(), it.subparts.len()), (HEADERS, 2));
        let (head, _) = std::str::from_utf8(&written).unwrap().split_once("\r\n\r\n").unwrap();
        assert!(head.is_ascii() && head.replace("\r\n", "").chars().all(|c| !c.is_control()), "{head}");
    }

    #[test]
    fn every_line_is_short_enough_for_mail() {
        let widest = format!("https://{}", "a".repeat(492)).parse().unwrap();
        let mail = mail(invite(&"🦀".repeat(120), Role::Admin));
        let from = "no-reply@example.org".parse().unwrap();
        let written = message(&from, &mail, &render(&mail, &widest).unwrap(), Channel::EightBit).unwrap().formatted();
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
