use std::{fs, io, path::Path, time::Duration};

use driftstack_domain::mail::MailError;
use lettre::transport::smtp::{
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, Tls, TlsParameters},
    extension::ClientId,
};
use tokio::task::spawn_blocking;

use super::{
    fault::{Step, fault},
    url::{Security, SmtpUrl},
};

/// Where mail goes, with all that it takes to connect.
pub(super) struct Server {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    /// How we call ourselves.
    name: ClientId,
}

#[derive(Debug, thiserror::Error)]
pub enum SmtpOpenError {
    #[error("cannot read the file of `ca`: {0}")]
    CaFile(io::Error),
    #[error("the file of `ca` has no certificate in PEM that can be used")]
    CaContent,
    #[error("certificates cannot be checked here: {0}")]
    Tls(String),
}

/// For one address of the host: one that does not answer leaves time to try the next.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4);

impl Server {
    /// Reads the certificates of the platform and of the file. Connects to nothing yet.
    pub(super) async fn open(url: &SmtpUrl) -> Result<Self, SmtpOpenError> {
        let reading = spawn_blocking({
            let url = url.clone();
            move || tls(&url)
        });
        let tls = reading.await.map_err(|error| SmtpOpenError::Tls(error.to_string()))??;
        let (host, credentials) = (url.host.clone(), url.credentials.clone());
        Ok(Self { host, port: url.port, tls, credentials, name: ClientId::default() })
    }

    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let mut connection = self.reach().await?;
        self.encrypt(&mut connection).await.map_err(|error| fault(Step::Encrypt, &error))?;
        if let Some(credentials) = &self.credentials {
            let signed_in = connection.auth(DEFAULT_MECHANISMS, credentials).await;
            signed_in.map_err(|error| fault(Step::SignIn, &error))?;
        }
        Ok(connection)
    }

    async fn reach(&self) -> Result<AsyncSmtpConnection, MailError> {
        let implicit = match &self.tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let address = (&*self.host, self.port);
        AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_PATIENCE), &self.name, implicit, None)
            .await
            .map_err(|error| fault(Step::Connect, &error))
    }

    async fn encrypt(&self, connection: &mut AsyncSmtpConnection) -> Result<(), lettre::transport::smtp::Error> {
        match &self.tls {
            Tls::Required(parameters) => connection.starttls(parameters.clone(), &self.name).await,
            Tls::Opportunistic(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), &self.name).await
            }
            Tls::None | Tls::Opportunistic(_) | Tls::Wrapper(_) => Ok(()),
        }
    }
}

fn tls(url: &SmtpUrl) -> Result<Tls, SmtpOpenError> {
    let kind = match url.security {
        Security::Plain => return Ok(Tls::None),
        Security::StartTlsIfOffered => Tls::Opportunistic,
        Security::StartTls => Tls::Required,
        Security::Tls => Tls::Wrapper,
    };
    let mut parameters = TlsParameters::builder(url.host.clone());
    if let Some(path) = &url.ca {
        parameters = parameters.add_root_certificate(certificates(path)?);
    }
    parameters.build().map(kind).map_err(|error| SmtpOpenError::Tls(error.to_string()))
}

fn certificates(path: &Path) -> Result<Certificate, SmtpOpenError> {
    let pem = fs::read(path).map_err(SmtpOpenError::CaFile)?;
    // Lettre takes a file without any for a list of none.
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        return Err(SmtpOpenError::CaContent);
    }
    Certificate::from_pem(&pem).map_err(|_| SmtpOpenError::CaContent)
}
