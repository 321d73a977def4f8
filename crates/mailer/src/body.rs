use driftstack_domain::mail::MailError;
use lettre::message::{Body, header::ContentTransferEncoding};

/// What gets through on the way to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    EightBit,
    /// ASCII only: an old mail server.
    SevenBit,
}

/// The bytes that a line of mail may have (RFC 5322), without its end.
const MAX_LINE: usize = 998;

/// The words as they are, wherever they fit.
///
/// Lettre would break lines of more than 76 characters with quoted-printable, and a link that is broken like that is of no use
/// to somebody who looks for it in the file. A link has at most some 700 characters and a name 120, so it is only on a page,
/// with a base full of `&`, that a line can be too long.
pub(crate) fn body(words: &str, channel: Channel) -> Result<Body, MailError> {
    let fits = words.lines().all(|line| line.len() <= MAX_LINE);
    let encoding = match channel {
        _ if !fits => ContentTransferEncoding::QuotedPrintable,
        _ if words.is_ascii() => ContentTransferEncoding::SevenBit,
        Channel::EightBit => ContentTransferEncoding::EightBit,
        Channel::SevenBit => ContentTransferEncoding::QuotedPrintable,
    };
    match encoding {
        ContentTransferEncoding::QuotedPrintable => Body::new_with_encoding(words.to_owned(), encoding)
            .map_err(|_| MailError("it cannot be written as quoted-printable".to_owned())),
        plain => Ok(Body::dangerous_pre_encoded(words.replace('\n', "\r\n").into_bytes(), plain)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::ascii("a", Channel::SevenBit, ContentTransferEncoding::SevenBit)]
    #[case::more("Ærø", Channel::EightBit, ContentTransferEncoding::EightBit)]
    #[case::more_than_passes("Ærø", Channel::SevenBit, ContentTransferEncoding::QuotedPrintable)]
    #[case::widest(&"a".repeat(998), Channel::SevenBit, ContentTransferEncoding::SevenBit)]
    #[case::too_wide(&"a".repeat(999), Channel::EightBit, ContentTransferEncoding::QuotedPrintable)]
    #[case::too_wide_in_bytes(&"Æ".repeat(500), Channel::EightBit, ContentTransferEncoding::QuotedPrintable)]
    fn words_are_changed_only_when_they_must(
        #[case] words: &str,
        #[case] channel: Channel,
        #[case] encoding: ContentTransferEncoding,
    ) {
        assert_eq!(body(words, channel).unwrap().encoding(), encoding);
    }

    #[test]
    fn no_encoded_line_is_too_long() {
        let body = body(&"Æ\n=".repeat(2000), Channel::SevenBit).unwrap().into_vec();
        assert!(body.is_ascii() && body.split(|byte| *byte == b'\n').all(|line| line.len() <= 77));
    }
}
