//! Connections to Postgres: what the URL says, TLS, time-outs, and the pool of them.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool::Pool},
};
use futures_util::FutureExt;
use percent_encoding::percent_decode_str;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::listener::{Messages, messages};

/// For a connection on which nobody asks anything.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How to reach a database.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database?…`, with the parameters of libpq, `sslmode` and `sslrootcert` among them.
    pub url: SecretString,
    /// Connections at the most.
    pub pool_size: usize,
    /// How many runtimes divide them among themselves. Each gets one at the least.
    pub runtimes: usize,
    /// For a new connection, and for one to become free.
    pub connect_timeout: Duration,
    /// For one statement; the server ends it.
    pub statement_timeout: Duration,
    /// For a transaction in which nothing happens; the server ends its connection.
    pub idle_in_transaction_timeout: Duration,
}

impl PostgresOptions {
    pub fn new(url: SecretString) -> Self {
        Self {
            url,
            pool_size: 16,
            runtimes: 1,
            connect_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(10),
            idle_in_transaction_timeout: Duration::from_secs(10),
        }
    }
}

impl PostgresOptions {
    /// Of the connections, for each runtime.
    fn share(&self) -> usize {
        (self.pool_size / self.runtimes.max(1)).max(1)
    }

    /// For one operation of a few statements, of which at the most one takes long.
    pub(super) fn patience(&self) -> Duration {
        self.statement_timeout + self.connect_timeout
    }
}

/// Why a pool was not prepared. The URL is never repeated: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    #[error("expected a Postgres URL such as `postgres://user:password@host/database`")]
    Url,
    #[error("unknown sslmode; expected disable, prefer, require, verify-ca or verify-full")]
    SslMode,
    #[error("{path}: no certificate could be read from it")]
    RootCertificate { path: PathBuf },
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the pool: {0}")]
    Pool(String),
}

/// Opens connections.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, PostgresError> {
        let url = Url::of(options.url.expose_secret());
        let mut config: Config = url.for_the_driver.parse().map_err(|_| PostgresError::Url)?;
        let mode = url.mode(&config)?;
        config.ssl_mode(mode).connect_timeout(options.connect_timeout).tcp_user_timeout(options.patience());
        if config.get_application_name().is_none() {
            config.application_name("driftstack");
        }
        let limits = format!(
            "{} -c statement_timeout={} -c idle_in_transaction_session_timeout={}",
            config.get_options().unwrap_or_default(),
            options.statement_timeout.as_millis(),
            options.idle_in_transaction_timeout.as_millis(),
        );
        config.options(limits.trim());
        let tls = if mode == SslMode::Disable { None } else { Some(tls(url.root)?) };
        Ok(Self { config, tls })
    }

    pub(super) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let failed = |error: tokio_postgres::Error| ConnectionError::BadConnection(describe(&error));
        if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await.map_err(failed)?;
            return AsyncPgConnection::try_from_client_and_connection(client, connection).await;
        }
        let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }

    /// A connection that is not asked but listened to, and so has to find out by itself that the other end is gone.
    pub(super) async fn listen(&self) -> Result<(Client, Messages), tokio_postgres::Error> {
        let mut config = self.config.clone();
        config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE).keepalives_retries(2);
        if let Some(tls) = &self.tls {
            let (client, connection) = config.connect(tls.clone()).await?;
            return Ok((client, messages(connection)));
        }
        let (client, connection) = config.connect(NoTls).await?;
        Ok((client, messages(connection)))
    }

    /// `Fast`: a connection that is known to be closed is not handed out, and a query before every query would cost each
    /// request a round trip.
    pub(super) fn pool(&self, options: &PostgresOptions) -> Result<Pool<AsyncPgConnection>, PostgresError> {
        let connector = self.clone();
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |_| {
            let connector = connector.clone();
            async move { connector.connect().await }.boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config("", config);
        let wait = Some(options.connect_timeout);
        Pool::builder(manager)
            .max_size(options.share())
            .wait_timeout(wait)
            .create_timeout(wait)
            .recycle_timeout(wait)
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| PostgresError::Pool(error.to_string()))
    }
}

/// The driver's own text hides the cause behind "error connecting to server".
fn describe(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// A URL without what it says about TLS, which the driver does not understand.
struct Url {
    for_the_driver: String,
    sslmode: Option<String>,
    root: Option<PathBuf>,
}

impl Url {
    fn of(text: &str) -> Self {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut sslmode, mut root, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => sslmode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => {
                    root = Some(PathBuf::from(percent_decode_str(value).decode_utf8_lossy().into_owned()));
                }
                _ => rest.push(pair),
            }
        }
        let for_the_driver = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        Self { for_the_driver, sslmode, root }
    }

    /// Where the URL says nothing, TLS is needed unless the connection stays on this machine.
    fn mode(&self, config: &Config) -> Result<SslMode, PostgresError> {
        match self.sslmode.as_deref() {
            Some("disable") => Ok(SslMode::Disable),
            Some("prefer") => Ok(SslMode::Prefer),
            // Chain and name are verified in each of them.
            Some("require" | "verify-ca" | "verify-full") => Ok(SslMode::Require),
            Some(_) => Err(PostgresError::SslMode),
            None if stays_on_this_machine(config) => Ok(SslMode::Disable),
            None => Ok(SslMode::Require),
        }
    }
}

fn stays_on_this_machine(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    });
    // Where an address is given the driver goes there, whatever the host is called.
    hosts && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Trusts the given authority alone, or without one what the platform trusts.
fn tls(root: Option<PathBuf>) -> Result<MakeRustlsConnect, PostgresError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = if let Some(path) = root {
        builder.with_root_certificates(authority(path)?)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Verifier::new(provider)?))
    };
    Ok(MakeRustlsConnect::new(builder.with_no_client_auth()))
}

fn authority(path: PathBuf) -> Result<RootCertStore, PostgresError> {
    let mut store = RootCertStore::empty();
    let read = CertificateDer::pem_file_iter(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let (added, _) = store.add_parsable_certificates(read.unwrap_or_default());
    if added == 0 { Err(PostgresError::RootCertificate { path }) } else { Ok(store) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connector(url: &str) -> Result<Connector, PostgresError> {
        Connector::new(&PostgresOptions::new(url.into()))
    }

    #[test]
    fn tls_is_what_the_url_says_and_needed_where_it_says_nothing() {
        let mode = |url: &str| connector(url).map(|connector| connector.config.get_ssl_mode()).ok();
        assert_eq!(mode("postgres://u@db.example.com/d"), Some(SslMode::Require));
        assert_eq!(mode("postgres://u@127.0.0.1/d"), Some(SslMode::Disable));
        assert_eq!(mode("postgres://u@localhost/d?sslmode=require"), Some(SslMode::Require));
        assert_eq!(mode("postgres://u@localhost/d?hostaddr=198.51.100.7"), Some(SslMode::Require));
        assert_eq!(mode("postgres:///d?hostaddr=198.51.100.7"), Some(SslMode::Require));
        assert_eq!(mode("postgres://u@db.example.com/d?sslmode=verify-full"), Some(SslMode::Require));
        assert_eq!(mode("postgres://u@db.example.com/d?sslmode=disable"), Some(SslMode::Disable));
        assert!(matches!(connector("postgres://u@h/d?sslmode=maybe"), Err(PostgresError::SslMode)));
    }

    #[test]
    fn an_error_repeats_no_password() {
        for url in ["postgres://u:secret@[/d", "mysql://u:secret@h/d", "postgres://u:secret@h/d?sslrootcert=/nowhere"] {
            let Err(error) = connector(url) else { panic!("{url} is fine") };
            assert!(!error.to_string().contains("secret") && !format!("{error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_path_of_the_authorities_is_decoded() {
        let root = |text: &str| Url::of(&format!("postgres://u@h/d?sslrootcert={text}&application_name=a")).root;
        for text in ["/etc/my%20db.pem", "%2Fetc%2Fmy%20db.pem", "%2fetc%2fmy%20db%2epem"] {
            assert_eq!(root(text), Some(PathBuf::from("/etc/my db.pem")), "{text}");
        }
    }

    #[test]
    fn options_of_the_url_are_kept() {
        let connector = connector("postgres://u@127.0.0.1/d?application_name=a&options=-c%20work_mem%3D4MB").unwrap();
        assert_eq!(connector.config.get_application_name(), Some("a"));
        let options = connector.config.get_options().unwrap();
        assert!(options.starts_with("-c work_mem=4MB") && options.contains("statement_timeout=10000"), "{options}");
    }
}
