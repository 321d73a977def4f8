use std::{fmt, time::Duration};

use async_trait::async_trait;
use driftstack_domain::mail::{Mail, MailError, Mailer};
use lettre::transport::smtp::{client::AsyncSmtpConnection, extension::Extension};
use tokio::time::timeout;

use super::{
    fault::{Step, fault},
    idle::Idle,
    server::{Server, SmtpOpenError},
    url::SmtpUrl,
};
use crate::{
    PublicUrl, Sender,
    body::Channel,
    message::message,
    render::{Rendered, render},
};

/// Hands mails to a mail server, and keeps the connection for the next one.
///
/// A mail that the server took without our hearing of it is sent again, with the same `Message-ID`.
pub struct SmtpMailer {
    server: Server,
    idle: Idle,
    from: Sender,
    base: PublicUrl,
}

/// For a whole mail, from the look-up of the host to the last answer. The outbox holds a mail for a minute, and a server that
/// does not answer must not keep the others waiting for so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// For a sign of life on a connection that was kept. Some firewalls forget it without telling, and then a fresh one must
/// still have its time.
const CHECK_PATIENCE: Duration = Duration::from_secs(2);

impl SmtpMailer {
    /// Connects when the first mail is sent: the service starts without its mail server too, and mails wait for it.
    pub async fn open(url: &SmtpUrl, from: Sender, base: PublicUrl) -> Result<Self, SmtpOpenError> {
        Ok(Self { server: Server::open(url).await?, idle: Idle::default(), from, base })
    }

    async fn deliver(&self, mail: &Mail, rendered: &Rendered) -> Result<(), MailError> {
        let mut connection = self.connection().await?;
        let message = message(&self.from, mail, rendered, channel(&connection))?;
        // Dropped when it fails or takes too long, as nobody knows then which answer would come next.
        let sent = connection.send(message.envelope(), &message.formatted()).await;
        sent.map_err(|error| fault(Step::HandOver, &error))?;
        self.idle.keep(connection);
        Ok(())
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, MailError> {
        while let Some(mut kept) = self.idle.take() {
            if timeout(CHECK_PATIENCE, kept.test_connected()).await.is_ok_and(|alive| alive) {
                return Ok(kept);
            }
        }
        self.server.connect().await
    }
}

fn channel(connection: &AsyncSmtpConnection) -> Channel {
    let eight_bit = connection.server_info().supports_feature(Extension::EightBitMime);
    if eight_bit { Channel::EightBit } else { Channel::SevenBit }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let rendered = render(mail, &self.base)?;
        let delivered = timeout(PATIENCE, self.deliver(mail, &rendered)).await;
        delivered.unwrap_or_else(|_| Err(MailError(format!("the mail server took more than {PATIENCE:?}"))))?;
        tracing::info!(kind = mail.content.kind().as_str(), mail = %mail.id, "mail sent");
        Ok(())
    }
}

/// Without the user and the password.
impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("from", &self.from).field("base", &self.base).finish_non_exhaustive()
    }
}
