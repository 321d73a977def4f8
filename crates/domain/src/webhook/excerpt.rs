use std::fmt;

/// The beginning of what a receiver answered, made safe to show: text without control characters, and little of it.
///
/// It is the word of a stranger all the same: whoever puts it into a page escapes it there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Excerpt(String);

impl Excerpt {
    /// So much is kept; an adapter need not read more.
    pub const MAX_BYTES: usize = 1024;

    pub fn of(bytes: &[u8]) -> Self {
        let start = bytes.get(..Self::MAX_BYTES).unwrap_or(bytes);
        let mut text = String::with_capacity(start.len());
        for c in String::from_utf8_lossy(start).chars().map(shown) {
            // What stands in for a broken character is longer than that.
            if text.len() + c.len_utf8() > Self::MAX_BYTES {
                break;
            }
            text.push(c);
        }
        Self(text)
    }

    /// What an [`Self::of`] has made before.
    pub fn of_row(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn shown(c: char) -> char {
    match c {
        '\n' | '\t' => ' ',
        c if c.is_control() || is_invisible(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// What reorders or hides the text around it.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::text(b"thank you", "thank you")]
    #[case::lines(b"a\nb\tc", "a b c")]
    #[case::terminal(b"\x1b[31mred\x00\r", "\u{fffd}[31mred\u{fffd}\u{fffd}")]
    #[case::broken(b"a\xffb", "a\u{fffd}b")]
    #[case::reordered("\u{202e}txt".as_bytes(), "\u{fffd}txt")]
    fn it_is_safe_to_show(#[case] bytes: &[u8], #[case] shown: &str) {
        assert_eq!(Excerpt::of(bytes).as_str(), shown);
    }

    #[test]
    fn it_is_short_whatever_the_bytes() {
        assert_eq!(Excerpt::of(&[b'a'; 5000]).as_str().len(), Excerpt::MAX_BYTES);
        assert!(Excerpt::of(&[0xff; 5000]).as_str().len() <= Excerpt::MAX_BYTES);
        assert!(Excerpt::of("ä".repeat(5000).as_bytes()).as_str().len() <= Excerpt::MAX_BYTES);
    }
}
