//! The settings, checked before anything starts.

mod values;

use std::{
    net::SocketAddr,
    num::NonZeroUsize,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use driftstack_blob::{S3Credentials, S3Url};
use driftstack_domain::webhook::Reach;
use driftstack_mailer::{PublicUrl, Sender, SmtpUrl};
use driftstack_store::PostgresOptions;
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

pub use values::SettingsError;
use values::{Values, bad};

/// What the service is run with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: SocketAddr,
    pub metrics_listen: Option<SocketAddr>,
    pub data_dir: PathBuf,
    pub database: Database,
    /// Bring the tables of a Postgres up to date at the start. Those of a file always are.
    pub migrate: bool,
    pub mail: MailRoute,
    pub mail_from: Sender,
    pub rate_limits: RateLimits,
    pub blobs: BlobRoute,
    /// Where clients reach this API; `None`: `http://<listen>`.
    pub api_url: Option<PublicUrl>,
    pub keys_file: PathBuf,
    /// The base of the links in mails; `None`: `http://<listen>`.
    pub public_url: Option<PublicUrl>,
    pub trusted_proxies: Vec<IpNet>,
    pub cors_origins: Vec<String>,
    pub problem_type_base: String,
    /// Between the signal to stop and the closing of the listener.
    pub drain_grace: Duration,
    /// Between two signs of life of a stream on which nothing happens.
    pub heartbeat: Duration,
    /// Where webhooks may be; anywhere in tests alone.
    pub webhook_reach: Reach,
    /// Where spans are sent; nowhere unless that is compiled in.
    pub otlp_endpoint: Option<String>,
    pub otlp_service_name: String,
    pub log: String,
}

/// Where the rows are.
#[derive(Debug, Clone)]
pub enum Database {
    File(PathBuf),
    Postgres(PostgresOptions),
}

/// A thread that answers requests has so many connections to Postgres, or more.
const CONNECTIONS_A_THREAD: usize = 4;

impl Database {
    /// How many threads answer requests: one for each core, as far as there are connections for them.
    pub fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        match self {
            Self::File(_) => cores,
            // What runs in the background has a share too.
            Self::Postgres(options) => (options.pool_size / CONNECTIONS_A_THREAD).saturating_sub(1).clamp(1, cores),
        }
    }

    /// The same for a process with so many runtimes.
    #[must_use]
    pub fn divided_among(&self, runtimes: usize) -> Self {
        match self {
            Self::File(path) => Self::File(path.clone()),
            Self::Postgres(options) => Self::Postgres(PostgresOptions { runtimes, ..options.clone() }),
        }
    }
}

/// How mails get out.
#[derive(Debug, Clone)]
pub enum MailRoute {
    Folder(PathBuf),
    Smtp(SmtpUrl),
}

/// Who counts.
#[derive(Debug, Clone)]
pub enum RateLimits {
    Memory,
    Redis(SecretString),
}

/// Where pictures are kept.
#[derive(Debug, Clone)]
pub enum BlobRoute {
    Folder(PathBuf),
    S3(S3Url, S3Credentials),
    None,
}

/// Every setting, as it stands in a file. In the environment it is in upper case behind `DRIFTSTACK_`.
const NAMES: [&str; 27] = [
    "listen",
    "metrics_listen",
    "data_dir",
    "database_url",
    "database_pool_size",
    "database_connect_timeout_seconds",
    "database_statement_timeout_seconds",
    "database_idle_transaction_timeout_seconds",
    "migrate",
    "mail_url",
    "mail_from",
    "rate_limit_url",
    "blob_url",
    "s3_access_key_id",
    "s3_secret_access_key",
    "api_url",
    "keys_file",
    "public_url",
    "trusted_proxies",
    "cors_origins",
    "problem_type_base",
    "drain_grace_seconds",
    "heartbeat_seconds",
    "webhook_allow_private",
    "otlp_endpoint",
    "otlp_service_name",
    "log",
];

impl Settings {
    /// Reads the settings of this process.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        Self::from_values(&Values::of_process(file, &NAMES)?)
    }

    fn from_values(values: &Values) -> Result<Self, SettingsError> {
        let data_dir = PathBuf::from(values.text("data_dir").unwrap_or("./data"));
        Ok(Self {
            listen: values.parsed("listen", "127.0.0.1:8080", SOCKET_ADDRESS)?,
            metrics_listen: values
                .text("metrics_listen")
                .map(|_| values.parsed("metrics_listen", "", SOCKET_ADDRESS))
                .transpose()?,
            database: database(values, &data_dir)?,
            migrate: switch(values, "migrate")?,
            mail: mail(values, &data_dir)?,
            mail_from: values.parsed("mail_from", "driftstack <no-reply@driftstack.invalid>", SENDER)?,
            rate_limits: rate_limits(values)?,
            blobs: blobs(values, &data_dir)?,
            api_url: values.optional("api_url")?,
            keys_file: values.text("keys_file").map_or_else(|| data_dir.join("keys.json"), PathBuf::from),
            public_url: values.optional("public_url")?,
            trusted_proxies: values.list("trusted_proxies", |text| text.parse().ok(), CIDRS)?,
            cors_origins: values.list("cors_origins", origin, ORIGINS)?,
            problem_type_base: problem_type_base(values)?,
            drain_grace: values.seconds("drain_grace_seconds", 1, &(0..=HOUR_SECONDS))?,
            heartbeat: values.seconds("heartbeat_seconds", 25, &TIME_OUT)?,
            webhook_reach: if switch(values, "webhook_allow_private")? { Reach::Anywhere } else { Reach::Public },
            otlp_endpoint: otlp_endpoint(values)?,
            otlp_service_name: values.text("otlp_service_name").unwrap_or("driftstack").to_owned(),
            log: values.text("log").unwrap_or("info").to_owned(),
            data_dir,
        })
    }
}

const HOUR_SECONDS: u64 = 3600;
/// Nothing is waited for longer, and 0 has another meaning to whoever is told it.
const TIME_OUT: RangeInclusive<u64> = 1..=HOUR_SECONDS;
/// More than any server of Postgres is set up for.
const POOL_SIZES: RangeInclusive<usize> = 1..=10_000;

const SOCKET_ADDRESS: &str = "expected a socket address such as `127.0.0.1:8080`";
const SENDER: &str = "expected an address such as `Acme <no-reply@example.com>`";
const CIDRS: &str = "expected CIDRs such as `10.0.0.0/8`, separated by commas";
const ORIGINS: &str = "expected origins as browsers send them, such as `https://app.example.com`, separated by commas: in lower \
    case, with a port only where it is not the usual one, without a path or a `*`";

fn database(values: &Values, data_dir: &Path) -> Result<Database, SettingsError> {
    const NAME: &str = "database_url";
    let Some(url) = values.text(NAME) else { return Ok(Database::File(data_dir.join("driftstack.db"))) };
    match path_behind(url, "sqlite:") {
        // A file would be made of that name, and nobody who writes this wants one.
        Some(path) if path.as_os_str() == ":memory:" => {
            return Err(bad(NAME, "a database in memory would be forgotten"));
        }
        Some(path) => return Ok(Database::File(path)),
        None => {}
    }
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(bad(NAME, "expected `sqlite:<path>` or `postgres://…`"));
    }
    Ok(Database::Postgres(PostgresOptions {
        pool_size: values.whole("database_pool_size", 16, &POOL_SIZES, "a whole number")?,
        connect_timeout: values.seconds("database_connect_timeout_seconds", 3, &TIME_OUT)?,
        statement_timeout: values.seconds("database_statement_timeout_seconds", 10, &TIME_OUT)?,
        idle_in_transaction_timeout: values.seconds("database_idle_transaction_timeout_seconds", 10, &TIME_OUT)?,
        ..PostgresOptions::new(url.into())
    }))
}

fn mail(values: &Values, data_dir: &Path) -> Result<MailRoute, SettingsError> {
    const NAME: &str = "mail_url";
    let Some(url) = values.text(NAME) else { return Ok(MailRoute::Folder(data_dir.join("mail"))) };
    if let Some(path) = path_behind(url, "file:") {
        return Ok(MailRoute::Folder(path));
    }
    if !url.starts_with("smtp://") && !url.starts_with("smtps://") {
        return Err(bad(NAME, "expected `file:<folder>`, `smtp://…` or `smtps://…`"));
    }
    url.parse().map(MailRoute::Smtp).map_err(|error| bad(NAME, error))
}

fn rate_limits(values: &Values) -> Result<RateLimits, SettingsError> {
    match values.text("rate_limit_url") {
        None | Some("memory:") => Ok(RateLimits::Memory),
        Some(url) if url.starts_with("redis://") || url.starts_with("rediss://") => Ok(RateLimits::Redis(url.into())),
        Some(_) => Err(bad("rate_limit_url", "expected `memory:` or `redis://…`")),
    }
}

fn otlp_endpoint(values: &Values) -> Result<Option<String>, SettingsError> {
    const NAME: &str = "otlp_endpoint";
    let Some(url) = values.text(NAME) else { return Ok(None) };
    if !cfg!(feature = "otel") {
        return Err(bad(NAME, "this binary cannot send traces; unset it, or build with `--features otel`"));
    }
    match url.strip_prefix("http://") {
        Some(rest) if !rest.is_empty() && !rest.contains('@') => Ok(Some(url.to_owned())),
        _ => Err(bad(NAME, "expected a URL such as `http://127.0.0.1:4318`")),
    }
}

fn blobs(values: &Values, data_dir: &Path) -> Result<BlobRoute, SettingsError> {
    const NAME: &str = "blob_url";
    let Some(url) = values.text(NAME) else { return Ok(BlobRoute::Folder(data_dir.join("blobs"))) };
    if url == "none" {
        return Ok(BlobRoute::None);
    }
    if let Some(path) = path_behind(url, "file:") {
        return Ok(BlobRoute::Folder(path));
    }
    if !url.starts_with("s3://") {
        return Err(bad(NAME, "expected `file:<folder>`, `s3://<bucket>?endpoint=<url>` or `none`"));
    }
    let url = url.parse().map_err(|error| bad(NAME, error))?;
    let key = |name| values.text(name).ok_or_else(|| bad(name, "an `s3://` URL needs it"));
    let access_key_id = key("s3_access_key_id")?.to_owned();
    Ok(BlobRoute::S3(url, S3Credentials { access_key_id, secret_access_key: key("s3_secret_access_key")?.into() }))
}

fn switch(values: &Values, name: &'static str) -> Result<bool, SettingsError> {
    match values.text(name) {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(_) => Err(bad(name, "expected `1` or `0`")),
    }
}

fn path_behind(url: &str, scheme: &str) -> Option<PathBuf> {
    let path = url.strip_prefix(scheme)?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.is_empty()).then(|| PathBuf::from(path))
}

/// A slug is put behind it.
fn problem_type_base(values: &Values) -> Result<String, SettingsError> {
    const NAME: &str = "problem_type_base";
    let base = values.text(NAME).unwrap_or("https://errors.driftstack.dev/");
    let is_base = |url: &Url| matches!(url.scheme(), "http" | "https") && base.ends_with('/');
    match Url::parse(base).ok().filter(is_base) {
        Some(_) => Ok(base.to_owned()),
        None => Err(bad(NAME, "expected an http or https URL that ends with `/`")),
    }
}

/// It is compared with what browsers send, so another spelling of it would match nothing.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // URLs allow more in a host than names and addresses are made of, a `*` for one.
    let is_host = url.host_str()?.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    (is_host && url.origin().ascii_serialization() == text).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_values(&Values(pairs.collect()))
    }

    #[test]
    fn the_defaults_need_nothing() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert!(matches!(&settings.database, Database::File(path) if path == Path::new("./data/driftstack.db")));
        assert!(matches!(&settings.mail, MailRoute::Folder(path) if path == Path::new("./data/mail")));
        assert!(matches!(settings.rate_limits, RateLimits::Memory));
        assert!(matches!(&settings.blobs, BlobRoute::Folder(path) if path == Path::new("./data/blobs")));
        assert_eq!(settings.keys_file, Path::new("./data/keys.json"));
        assert_eq!(settings.webhook_reach, Reach::Public);
        assert!(settings.trusted_proxies.is_empty() && settings.cors_origins.is_empty() && !settings.migrate);
    }

    #[test]
    fn a_bad_value_names_its_setting_and_is_not_repeated() {
        for (name, value) in [
            ("listen", "secret"),
            ("metrics_listen", "secret"),
            ("database_url", "mysql://user:secret@host/db"),
            ("mail_url", "pigeon:secret"),
            ("mail_url", "smtp://user:secret@"),
            ("rate_limit_url", "http://:secret@host"),
            ("blob_url", "ftp://secret"),
            ("blob_url", "s3://secret"),
            ("blob_url", "s3://id:secret@pictures?endpoint=https://s3.example.com"),
            ("api_url", "secret"),
            ("public_url", "secret"),
            ("trusted_proxies", "10.0.0.0/8, secret"),
            ("cors_origins", "secret"),
            ("cors_origins", "https://a.example, https://secret b"),
            ("migrate", "secret"),
            ("problem_type_base", "secret/"),
            ("problem_type_base", "https://secret"),
            ("database_url", "sqlite::memory:"),
            ("drain_grace_seconds", "secret"),
            ("heartbeat_seconds", "0"),
            ("webhook_allow_private", "secret"),
            ("otlp_endpoint", "https://secret"),
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
    fn an_origin_is_spelled_as_browsers_send_it() {
        let origins = |text: &str| settings(&[("cors_origins", text)]).map(|settings| settings.cors_origins);
        for good in ["https://app.example.com", "http://localhost:3000", "http://127.0.0.1:8080", "https://[::1]:8443"]
        {
            assert_eq!(origins(good).unwrap(), [good]);
        }
        for bad in [
            "*",
            "null",
            "https://a b",
            "https://*",
            "https://*.example.com",
            "https://a{b.example.com",
            "https://App.example.com",
            "https://x.example:443",
            "https://x.example/",
            "https://u@x.example",
            "https://",
            "ftp://x.example",
        ] {
            let message = origins(bad).unwrap_err().to_string();
            assert!(message.starts_with("DRIFTSTACK_CORS_ORIGINS: expected origins"), "{bad}: {message}");
        }
    }

    #[test]
    fn times_and_sizes_have_bounds_and_the_error_names_them() {
        const POSTGRES: (&str, &str) = ("database_url", "postgres://u@db/d");
        for (name, least, most) in [
            ("database_pool_size", "1", "10000"),
            ("database_connect_timeout_seconds", "1", "3600"),
            ("database_statement_timeout_seconds", "1", "3600"),
            ("database_idle_transaction_timeout_seconds", "1", "3600"),
            ("heartbeat_seconds", "1", "3600"),
            ("drain_grace_seconds", "0", "3600"),
        ] {
            for good in [least, most] {
                assert!(settings(&[POSTGRES, (name, good)]).is_ok(), "{name}={good}");
            }
            for bad in ["-1", "1.5", "10001", "18446744073709551615", "18446744073709551616"] {
                let message = settings(&[POSTGRES, (name, bad)]).unwrap_err().to_string();
                assert!(message.starts_with(&format!("DRIFTSTACK_{}: ", name.to_uppercase())), "{message}");
                assert!(message.ends_with(&format!("from {least} to {most}")), "{message}");
            }
        }
        for name in ["database_pool_size", "database_statement_timeout_seconds", "heartbeat_seconds"] {
            assert!(settings(&[POSTGRES, (name, "0")]).is_err(), "{name}");
        }
    }

    #[test]
    fn urls_choose_the_engines_and_their_secrets_are_not_printed() {
        let settings = settings(&[
            ("database_url", "postgres://u:secret@db/d"),
            ("database_pool_size", "4"),
            ("rate_limit_url", "redis://:secret@cache"),
            ("mail_url", "smtps://u:secret@mail.example.com"),
        ])
        .unwrap();
        assert!(matches!(&settings.database, Database::Postgres(options) if options.pool_size == 4));
        assert!(matches!(settings.rate_limits, RateLimits::Redis(_)));
        assert!(matches!(settings.mail, MailRoute::Smtp(_)));
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn pictures_are_kept_where_the_url_says() {
        const BUCKET: (&str, &str) = ("blob_url", "s3://pictures?endpoint=https://s3.example.com&region=auto");
        let (id, secret) = (("s3_access_key_id", "id"), ("s3_secret_access_key", "secret"));
        let blobs = |pairs: &[(&str, &str)]| settings(pairs).map(|settings| settings.blobs);
        assert!(matches!(blobs(&[("blob_url", "none")]), Ok(BlobRoute::None)));
        let folder = blobs(&[("blob_url", "file:/srv/pictures")]).unwrap();
        assert!(matches!(folder, BlobRoute::Folder(path) if path == Path::new("/srv/pictures")));
        let s3 = blobs(&[BUCKET, id, secret]).unwrap();
        assert!(matches!(&s3, BlobRoute::S3(..)) && !format!("{s3:?}").contains("secret"));
        for (given, missing) in [(secret, "DRIFTSTACK_S3_ACCESS_KEY_ID"), (id, "DRIFTSTACK_S3_SECRET_ACCESS_KEY")] {
            let message = blobs(&[BUCKET, given]).unwrap_err().to_string();
            assert!(message.starts_with(missing), "{message}");
        }
    }
}
