use std::{fmt, str::FromStr};

/// Where people reach the service in a browser: the base of the links in mails, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an `http://` or `https://` URL of at most {} ASCII characters without a query, such as `https://example.com`",
    PublicUrl::MAX_CHARS
)]
pub struct PublicUrlError;

impl PublicUrl {
    /// So short that a link, which stands on a line of its own, never reaches the 998 characters a line of mail may have.
    pub const MAX_CHARS: usize = 500;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let base = text.trim_end_matches('/');
        let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://")).ok_or(PublicUrlError)?;
        let plain = |c: char| c.is_ascii_graphic() && !"?#<>\"\\".contains(c);
        let fits =
            base.len() <= Self::MAX_CHARS && !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(plain);
        fits.then(|| Self(base.to_owned())).ok_or(PublicUrlError)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("https://example.com", Some("https://example.com"))]
    #[case::slash("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080"))]
    #[case::path("https://example.com/accounts/", Some("https://example.com/accounts"))]
    #[case::no_scheme("example.com", None)]
    #[case::another_scheme("ftp://example.com", None)]
    #[case::no_host("https://", None)]
    #[case::slashes("https:////example.com", None)]
    #[case::query("https://example.com?a=b", None)]
    #[case::fragment("https://example.com#a", None)]
    #[case::space("https://exa mple.com", None)]
    #[case::line_break("https://example.com\r\nBcc: x@example.com", None)]
    #[case::not_ascii("https://bücher.example", None)]
    fn cases(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(text.parse::<PublicUrl>().ok().as_ref().map(PublicUrl::as_str), expected);
    }

    #[test]
    fn a_long_one_is_refused() {
        let url = |length: usize| format!("https://{}", "a".repeat(length - 8));
        assert!(url(500).parse::<PublicUrl>().is_ok());
        assert_eq!(url(501).parse::<PublicUrl>(), Err(PublicUrlError));
    }
}
