//! Where an endpoint may be.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

use super::address::is_public;

/// How far deliveries may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// To the public internet, encrypted.
    #[default]
    Public,
    /// Anywhere, also in the clear. For tests on one machine: with it, whoever may register an endpoint can have the service
    /// call whatever it can reach.
    Anywhere,
}

impl Reach {
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::Anywhere => true,
        }
    }
}

/// The URL of an endpoint, in the one spelling that it is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("expected a URL such as `https://example.com/hooks`")]
    NoUrl,
    #[error("a URL has at most {} characters", WebhookUrl::MAX_CHARS)]
    TooLong,
    #[error("only `https` will do: what is delivered must not be read on the way")]
    NotHttps,
    #[error("leave out name and password; deliveries are signed instead")]
    UserInfo,
    #[error("leave out the part behind `#`; it is never sent")]
    Fragment,
    #[error("port 0 cannot be called")]
    Port,
    #[error("this address or name is not on the public internet; name a host that is")]
    NotPublic,
}

/// Names under which nothing public is found, with all below them.
const NOT_PUBLIC_NAMES: [&str; 7] = ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "onion"];

impl WebhookUrl {
    pub const MAX_CHARS: usize = 2048;

    /// What an owner may register. What a name leads to is looked at again with every connection.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, UrlError> {
        if text.chars().count() > Self::MAX_CHARS {
            return Err(UrlError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| UrlError::NoUrl)?;
        match (url.scheme(), reach) {
            ("https", _) | ("http", Reach::Anywhere) => {}
            _ => return Err(UrlError::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        if url.port() == Some(0) {
            return Err(UrlError::Port);
        }
        if url.as_str().len() > Self::MAX_CHARS {
            return Err(UrlError::TooLong);
        }
        let url = Self(url);
        url.check(reach)?;
        Ok(url)
    }

    /// What was registered under whatever rule was in force then.
    pub fn of_row(text: &str) -> Result<Self, UrlError> {
        Self::parse(text, Reach::Anywhere)
    }

    /// The scheme and the host, as far as they tell without asking anybody: for each delivery again, as a rule may have
    /// become stricter.
    pub fn check(&self, reach: Reach) -> Result<(), UrlError> {
        let public = match self.0.host().ok_or(UrlError::NoUrl)? {
            _ if reach == Reach::Anywhere => true,
            _ if self.0.scheme() != "https" => return Err(UrlError::NotHttps),
            Host::Ipv4(address) => is_public(address.into()),
            Host::Ipv6(address) => is_public(address.into()),
            Host::Domain(name) => is_public_name(name),
        };
        if public { Ok(()) } else { Err(UrlError::NotPublic) }
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A name without a dot is looked up in whatever network this is.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_below = |zone: &&str| name.strip_suffix(*zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.contains('.') && !NOT_PUBLIC_NAMES.iter().any(is_below)
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("https://example.com/hooks", "https://example.com/hooks")]
    #[case::no_path("https://example.com", "https://example.com/")]
    #[case::a_port("https://example.com:8443/a?b=c", "https://example.com:8443/a?b=c")]
    #[case::an_address("https://8.8.8.8/", "https://8.8.8.8/")]
    #[case::an_address_in_hex("https://0x08080808/", "https://8.8.8.8/")]
    #[case::an_ipv6_address("https://[2606:4700::1111]/", "https://[2606:4700::1111]/")]
    #[case::letters("https://Bücher.Example/", "https://xn--bcher-kva.example/")]
    #[case::a_namesake("https://mylocalhost.example/", "https://mylocalhost.example/")]
    fn an_endpoint_is_anywhere_public(#[case] text: &str, #[case] url: &str) {
        assert_eq!(WebhookUrl::parse(text, Reach::Public).unwrap().as_str(), url);
    }

    #[rstest]
    #[case::nothing("", UrlError::NoUrl)]
    #[case::no_scheme("example.com/hooks", UrlError::NoUrl)]
    #[case::no_host("https://", UrlError::NoUrl)]
    #[case::a_bad_address("https://256.1.1.1/", UrlError::NoUrl)]
    #[case::in_the_clear("http://example.com/", UrlError::NotHttps)]
    #[case::a_file("file:///etc/passwd", UrlError::NotHttps)]
    #[case::gopher("gopher://example.com/", UrlError::NotHttps)]
    #[case::a_name("https://me@example.com/", UrlError::UserInfo)]
    #[case::a_password("https://:secret@example.com/", UrlError::UserInfo)]
    #[case::a_fragment("https://example.com/#a", UrlError::Fragment)]
    #[case::port_zero("https://example.com:0/", UrlError::Port)]
    fn what_cannot_be_one_is_named(#[case] text: &str, #[case] why: UrlError) {
        assert_eq!(WebhookUrl::parse(text, Reach::Public), Err(why));
    }

    #[test]
    fn a_url_has_an_end() {
        let long = |chars: usize| format!("https://example.com/{}", "a".repeat(chars - 20));
        assert!(WebhookUrl::parse(&long(WebhookUrl::MAX_CHARS), Reach::Public).is_ok());
        assert_eq!(WebhookUrl::parse(&long(WebhookUrl::MAX_CHARS + 1), Reach::Public), Err(UrlError::TooLong));
        // What is short in letters may be long on the wire.
        assert_eq!(
            WebhookUrl::parse(&format!("https://example.com/{}", "ä".repeat(500)), Reach::Public),
            Err(UrlError::TooLong)
        );
    }

    /// One machine has many names.
    const INSIDE: &[&str] = &[
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7f.0x0.0x0.0x1",
        "017700000001",
        "0177.0.0.1",
        "0177.0x0.0.1",
        "127.0.0.1.",
        "０x7f.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "%31%32%37.0.0.1",
        "0",
        "0.0.0.0",
        "0x0",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "10.1",
        "167772161",
        "192.168.1.1",
        "192.168.257",
        "172.16.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "ｌocalhost",
        "printer.local",
        "metadata.google.internal",
        "metadata",
        "router.lan",
        "nas.home.arpa",
    ];

    #[test]
    fn no_spelling_leads_inside() {
        for host in INSIDE {
            let text = format!("https://{host}/");
            assert_eq!(WebhookUrl::parse(&text, Reach::Public), Err(UrlError::NotPublic), "{text}");
            assert!(WebhookUrl::parse(&text, Reach::Anywhere).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_row_is_read_back_whatever_rule_it_was_written_under() {
        let url = WebhookUrl::of_row("http://127.0.0.1:9/hooks").unwrap();
        assert_eq!(url.check(Reach::Anywhere), Ok(()));
        assert_eq!(url.check(Reach::Public), Err(UrlError::NotHttps));
    }
}
