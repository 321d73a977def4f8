//! The settings: environment over file over default, checked before anything starts.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use driftstack_mailer::{PublicUrl, PublicUrlError, Sender};
use ipnet::IpNet;

/// What the service is run with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    pub database: PathBuf,
    pub mail_dir: PathBuf,
    pub mail_from: Sender,
    pub keys_file: PathBuf,
    /// The base of the links in mails; `None`: `http://<listen>`.
    pub public_url: Option<PublicUrl>,
    pub trusted_proxies: Vec<IpNet>,
    pub cors_origins: Vec<String>,
    pub problem_type_base: String,
    /// Between the signal to stop and the closing of the listener.
    pub drain_grace: Duration,
    pub log: String,
}

/// A setting that cannot be used. One line that names it; the value is not repeated, as it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{name}: {problem}")]
    Bad { name: String, problem: String },
    #[error("{path}: {problem}")]
    File { path: PathBuf, problem: String },
}

/// Every setting, as it stands in a file. In the environment it is in upper case behind `DRIFTSTACK_`.
pub const NAMES: [&str; 13] = [
    "listen",
    "data_dir",
    "database_url",
    "mail_url",
    "mail_from",
    "rate_limit_url",
    "keys_file",
    "public_url",
    "trusted_proxies",
    "cors_origins",
    "problem_type_base",
    "drain_grace_seconds",
    "log",
];

type Values = BTreeMap<String, String>;

impl Settings {
    /// Reads the settings of this process.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let mut values = file.map(read_file).transpose()?.unwrap_or_default();
        values.extend(environment());
        Self::from_values(&values)
    }

    fn from_values(values: &Values) -> Result<Self, SettingsError> {
        let data_dir = PathBuf::from(text(values, "data_dir").unwrap_or("./data"));
        Ok(Self {
            listen: parsed(values, "listen", "127.0.0.1:8080", "expected a socket address such as `127.0.0.1:8080`")?,
            database: path_of(values, "database_url", "sqlite:", &data_dir, "driftstack.db")?,
            mail_dir: path_of(values, "mail_url", "file:", &data_dir, "mail")?,
            mail_from: parsed(
                values,
                "mail_from",
                "driftstack <no-reply@driftstack.invalid>",
                "expected an address such as `Acme <no-reply@example.com>`",
            )?,
            keys_file: text(values, "keys_file").map_or_else(|| data_dir.join("keys.json"), PathBuf::from),
            public_url: text(values, "public_url")
                .map(|url| url.parse().map_err(|error: PublicUrlError| bad("public_url", &error.to_string())))
                .transpose()?,
            trusted_proxies: list(
                values,
                "trusted_proxies",
                |text| text.parse().ok(),
                "expected CIDRs such as `10.0.0.0/8`, separated by commas",
            )?,
            cors_origins: list(
                values,
                "cors_origins",
                origin,
                "expected origins such as `https://app.example.com`, separated by commas",
            )?,
            problem_type_base: text(values, "problem_type_base").unwrap_or("https://errors.driftstack.dev/").to_owned(),
            drain_grace: Duration::from_secs(parsed(values, "drain_grace_seconds", "1", "expected whole seconds")?),
            log: text(values, "log").unwrap_or("info").to_owned(),
            data_dir,
        })
        .and_then(|settings| only(values, "rate_limit_url", "memory:").map(|()| settings))
    }
}

fn bad(name: &str, problem: &str) -> SettingsError {
    SettingsError::Bad { name: format!("DRIFTSTACK_{}", name.to_uppercase()), problem: problem.to_owned() }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place where the environment is read")]
fn environment() -> Values {
    let read = |name: &&str| {
        let value = std::env::var(format!("DRIFTSTACK_{}", name.to_uppercase())).ok()?;
        Some(((*name).to_owned(), value))
    };
    NAMES.iter().filter_map(read).collect()
}

fn read_file(path: &Path) -> Result<Values, SettingsError> {
    let problem = |problem: String| SettingsError::File { path: path.to_owned(), problem };
    let text = std::fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
    // The parser's message would quote the line, and with it a password.
    let values: Values = toml::from_str(&text)
        .map_err(|_| problem("expected lines such as `listen = \"127.0.0.1:8080\"`, every value in quotes".into()))?;
    match values.keys().find(|name| !NAMES.contains(&name.as_str())) {
        Some(unknown) => Err(problem(format!("unknown setting `{unknown}`"))),
        None => Ok(values),
    }
}

/// An empty value counts as absent.
fn text<'a>(values: &'a Values, name: &str) -> Option<&'a str> {
    values.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

fn parsed<T: std::str::FromStr>(
    values: &Values,
    name: &str,
    default: &str,
    expected: &str,
) -> Result<T, SettingsError> {
    text(values, name).unwrap_or(default).parse().map_err(|_| bad(name, expected))
}

fn list<T>(
    values: &Values,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
    expected: &str,
) -> Result<Vec<T>, SettingsError> {
    let parts = text(values, name).unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| parse(part).ok_or_else(|| bad(name, expected))).collect()
}

/// A path behind a scheme, or the default one in the data folder.
fn path_of(
    values: &Values,
    name: &str,
    scheme: &str,
    data_dir: &Path,
    default: &str,
) -> Result<PathBuf, SettingsError> {
    let Some(url) = text(values, name) else { return Ok(data_dir.join(default)) };
    let path =
        url.strip_prefix(scheme).map(|rest| rest.strip_prefix("//").unwrap_or(rest)).filter(|path| !path.is_empty());
    path.map(PathBuf::from).ok_or_else(|| bad(name, &format!("this version understands `{scheme}<path>`")))
}

fn only(values: &Values, name: &str, allowed: &str) -> Result<(), SettingsError> {
    match text(values, name) {
        None => Ok(()),
        Some(value) if value == allowed => Ok(()),
        Some(_) => Err(bad(name, &format!("this version understands `{allowed}`"))),
    }
}

fn origin(text: &str) -> Option<String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    (!host.is_empty() && !host.contains('/')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_values(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn the_defaults_need_nothing() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.database, Path::new("./data/driftstack.db"));
        assert_eq!(settings.keys_file, Path::new("./data/keys.json"));
        assert!(settings.trusted_proxies.is_empty() && settings.cors_origins.is_empty());
    }

    #[test]
    fn a_bad_value_names_its_setting_and_is_not_repeated() {
        for (name, value) in [
            ("listen", "secret"),
            ("database_url", "mysql://user:secret@host/db"),
            ("mail_url", "pigeon:secret"),
            ("rate_limit_url", "redis://:secret@host"),
            ("public_url", "secret"),
            ("trusted_proxies", "10.0.0.0/8, secret"),
            ("cors_origins", "secret"),
        ] {
            let message = settings(&[(name, value)]).unwrap_err().to_string();
            assert!(message.contains(&format!("DRIFTSTACK_{}", name.to_uppercase())), "{message}");
            assert!(!message.contains("secret") && !message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let settings =
            settings(&[("trusted_proxies", "10.0.0.0/8, ::1/128"), ("cors_origins", "https://a.example")]).unwrap();
        assert_eq!(settings.trusted_proxies.len(), 2);
        assert_eq!(settings.cors_origins, ["https://a.example"]);
    }

    #[test]
    fn a_file_with_an_unknown_setting_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "lisen = \"127.0.0.1:1\"").unwrap();
        assert!(read_file(file.path()).unwrap_err().to_string().contains("lisen"));
        std::fs::write(file.path(), "listen = \"127.0.0.1:1\"").unwrap();
        assert_eq!(read_file(file.path()).unwrap()["listen"], "127.0.0.1:1");
    }
}
