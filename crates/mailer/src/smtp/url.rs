use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

use lettre::transport::smtp::{SUBMISSION_PORT, SUBMISSIONS_PORT, authentication::Credentials};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// The mail server: `smtp://[user:password@]host[:port]`, or `smtps://…` for TLS from the first byte.
///
/// The port is 587, and 465 for `smtps`. With `smtp`, the parameter `tls` says what becomes of STARTTLS:
///
/// | `tls` | |
/// | --- | --- |
/// | `required` | a server that does not offer it gets nothing; the default when there is a password and the host is another machine |
/// | `opportunistic` | used when it is offered, and then the certificate must be right; the default otherwise |
/// | `none` | never used: for a relay whose way is safe, or whose certificate nobody vouches for |
///
/// Certificates are checked against the platform's; `ca=/path.pem` adds those of a file.
#[derive(Clone)]
pub struct SmtpUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<Credentials>,
    pub(super) ca: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    Plain,
    StartTlsIfOffered,
    StartTls,
    Tls,
}

/// Never with a part of the URL, which may be one of the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmtpUrlError {
    #[error(
        "expected a URL such as `smtp://user:password@mail.example.com:587` or `smtps://mail.example.com`, where a password \
         has `%40` for `@`, `%2F` for `/`, `%3F` for `?`, `%23` for `#` and `%25` for `%`"
    )]
    Malformed,
    #[error("expected a user and a password, or neither")]
    HalfCredentials,
    #[error(
        "expected no parameters but `tls`, with `none`, `opportunistic` or `required`, and `ca`, each at most once"
    )]
    Parameter,
    #[error("`tls` is for `smtp://`; `smtps://` is always encrypted")]
    TlsTwice,
    #[error("`ca` is of no use with `tls=none`")]
    UnusedCa,
}

impl FromStr for SmtpUrl {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let url = Url::parse(text).map_err(|_| SmtpUrlError::Malformed)?;
        // What stands there may be the rest of a password that has a `/` or a `#`.
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SmtpUrlError::Malformed);
        }
        let host = host(&url)?;
        let credentials = credentials(&url)?;
        let parameters = Parameters::of(&url)?;
        let (security, port) = match (url.scheme(), parameters.tls) {
            ("smtp", Some(chosen)) => (chosen, SUBMISSION_PORT),
            ("smtp", None) if credentials.is_some() && !is_here(&host) => (Security::StartTls, SUBMISSION_PORT),
            ("smtp", None) => (Security::StartTlsIfOffered, SUBMISSION_PORT),
            ("smtps", None) => (Security::Tls, SUBMISSIONS_PORT),
            ("smtps", Some(_)) => return Err(SmtpUrlError::TlsTwice),
            _ => return Err(SmtpUrlError::Malformed),
        };
        if security == Security::Plain && parameters.ca.is_some() {
            return Err(SmtpUrlError::UnusedCa);
        }
        Ok(Self { host, port: url.port().unwrap_or(port), security, credentials, ca: parameters.ca })
    }
}

fn host(url: &Url) -> Result<String, SmtpUrlError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    match url.host() {
        Some(Host::Ipv6(address)) => Ok(address.to_string()),
        Some(Host::Ipv4(address)) => Ok(address.to_string()),
        Some(Host::Domain(name)) if !name.is_empty() && name.chars().all(plain) => Ok(name.to_ascii_lowercase()),
        _ => Err(SmtpUrlError::Malformed),
    }
}

/// Whether it is this very machine, so nobody listens in.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn credentials(url: &Url) -> Result<Option<Credentials>, SmtpUrlError> {
    let decoded = |text: &str| match percent_decode_str(text).decode_utf8() {
        // In SASL a NUL ends a name.
        Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
        _ => Err(SmtpUrlError::Malformed),
    };
    match (url.username(), url.password().unwrap_or_default()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err(SmtpUrlError::HalfCredentials),
        (user, password) => Ok(Some(Credentials::new(decoded(user)?, decoded(password)?))),
    }
}

#[derive(Default)]
struct Parameters {
    tls: Option<Security>,
    ca: Option<PathBuf>,
}

impl Parameters {
    fn of(url: &Url) -> Result<Self, SmtpUrlError> {
        let mut parameters = Self::default();
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("tls", _) if parameters.tls.is_some() => return Err(SmtpUrlError::Parameter),
                ("tls", "none") => parameters.tls = Some(Security::Plain),
                ("tls", "opportunistic") => parameters.tls = Some(Security::StartTlsIfOffered),
                ("tls", "required") => parameters.tls = Some(Security::StartTls),
                ("ca", path) if parameters.ca.is_none() && !path.is_empty() => parameters.ca = Some(path.into()),
                _ => return Err(SmtpUrlError::Parameter),
            }
        }
        Ok(parameters)
    }
}

/// Without the user and the password.
impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpUrl")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("ca", &self.ca)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn parsed(text: &str) -> SmtpUrl {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::plain("smtp://mail.example.com", "mail.example.com", 587)]
    #[case::port("smtp://localhost:25/", "localhost", 25)]
    #[case::tls("smtps://mail.example.com", "mail.example.com", 465)]
    #[case::tls_port("smtps://mail.example.com:2465", "mail.example.com", 2465)]
    #[case::upper_case("SMTP://Mail.Example.COM", "mail.example.com", 587)]
    #[case::ip("smtp://192.0.2.1", "192.0.2.1", 587)]
    #[case::ip6("smtps://u:p@[::1]:25", "::1", 25)]
    fn a_server(#[case] text: &str, #[case] host: &str, #[case] port: u16) {
        let url = parsed(text);
        assert_eq!((&*url.host, url.port), (host, port));
    }

    #[rstest]
    #[case::nothing_to_hide("smtp://mail.example.com", Security::StartTlsIfOffered)]
    #[case::a_password("smtp://u:p@mail.example.com", Security::StartTls)]
    #[case::a_password_that_stays_here("smtp://u:p@localhost", Security::StartTlsIfOffered)]
    #[case::here_by_number("smtp://u:p@127.0.0.1", Security::StartTlsIfOffered)]
    #[case::here_by_long_number("smtp://u:p@[::1]", Security::StartTlsIfOffered)]
    #[case::not_here("smtp://u:p@localhost.example.com", Security::StartTls)]
    #[case::none("smtp://u:p@mail.example.com?tls=none", Security::Plain)]
    #[case::opportunistic("smtp://u:p@mail.example.com?tls=opportunistic", Security::StartTlsIfOffered)]
    #[case::required("smtp://localhost?tls=required", Security::StartTls)]
    #[case::smtps("smtps://u:p@mail.example.com", Security::Tls)]
    fn a_password_is_not_sent_in_the_clear_unless_somebody_says_so(#[case] text: &str, #[case] security: Security) {
        assert_eq!(parsed(text).security, security);
    }

    #[rstest]
    #[case::none("smtp://localhost", None)]
    #[case::plain("smtp://ada:secret@localhost", Some(("ada", "secret")))]
    #[case::address("smtp://ada%40example.com:a%2Fb%3A%25c@localhost", Some(("ada@example.com", "a/b:%c")))]
    #[case::not_ascii("smtp://ada:%C3%A6@localhost", Some(("ada", "æ")))]
    fn who_signs_in(#[case] text: &str, #[case] expected: Option<(&str, &str)>) {
        assert_eq!(parsed(text).credentials, expected.map(Credentials::from));
    }

    #[test]
    fn a_file_of_certificates() {
        let ca = |text: &str| parsed(text).ca;
        assert_eq!(ca("smtps://localhost?ca=/etc/a%20b.pem"), Some(PathBuf::from("/etc/a b.pem")));
        assert_eq!(ca("smtp://localhost?tls=required&ca=ca.pem"), Some(PathBuf::from("ca.pem")));
        assert_eq!(ca("smtp://localhost"), None);
    }

    #[rstest]
    #[case::empty("", SmtpUrlError::Malformed)]
    #[case::no_scheme("mail.example.com:25", SmtpUrlError::Malformed)]
    #[case::another_scheme("https://mail.example.com", SmtpUrlError::Malformed)]
    #[case::no_host("smtp://", SmtpUrlError::Malformed)]
    #[case::no_host_but_a_port("smtp://:25", SmtpUrlError::Malformed)]
    #[case::no_slashes("smtp:mail.example.com", SmtpUrlError::Malformed)]
    #[case::path("smtp://mail.example.com/ehlo", SmtpUrlError::Malformed)]
    #[case::not_ascii("smtp://bücher.example", SmtpUrlError::Malformed)]
    #[case::slash_in_password("smtp://ada:hunter/2@mail.example.com", SmtpUrlError::Malformed)]
    #[case::question_in_password("smtp://ada:1?hunter2@mail.example.com", SmtpUrlError::Parameter)]
    #[case::hash_in_password("smtp://ada:1#hunter2@mail.example.com", SmtpUrlError::Malformed)]
    #[case::nul_in_password("smtp://ada:hunter%002@mail.example.com", SmtpUrlError::Malformed)]
    #[case::no_password("smtp://hunter2@mail.example.com", SmtpUrlError::HalfCredentials)]
    #[case::no_user("smtp://:hunter2@mail.example.com", SmtpUrlError::HalfCredentials)]
    #[case::tls_word("smtp://mail.example.com?tls=hunter2", SmtpUrlError::Parameter)]
    #[case::tls_twice("smtp://mail.example.com?tls=none&tls=required", SmtpUrlError::Parameter)]
    #[case::unknown("smtp://mail.example.com?hunter2=1", SmtpUrlError::Parameter)]
    #[case::empty_ca("smtps://mail.example.com?ca=", SmtpUrlError::Parameter)]
    #[case::tls_of_smtps("smtps://mail.example.com?tls=none", SmtpUrlError::TlsTwice)]
    #[case::ca_of_none("smtp://mail.example.com?tls=none&ca=a.pem", SmtpUrlError::UnusedCa)]
    fn what_is_not_a_server_is_refused_without_being_repeated(#[case] text: &str, #[case] expected: SmtpUrlError) {
        let error = text.parse::<SmtpUrl>().unwrap_err();
        assert_eq!(error, expected);
        assert!(!error.to_string().contains("hunter"));
    }

    #[test]
    fn a_url_does_not_print_its_password() {
        let shown = format!("{:?}", parsed("smtp://ada:hunter2@mail.example.com?ca=a.pem"));
        assert!(shown.contains("mail.example.com") && !shown.contains("hunter2") && !shown.contains("ada"), "{shown}");
    }
}
