use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::kind::MailContent;
use crate::{
    change::StoreError,
    email::Email,
    id::MailId,
    secret::{LinkToken, Sealed, Vault},
    time::{Clock, HOUR, MINUTE, Timestamp},
};

/// A mail as a row: the secret of its link is sealed and bound to the row's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    pub id: MailId,
    pub to: Email,
    pub content: MailContent,
    pub token: Option<Sealed>,
    pub at: Timestamp,
}

fn context(id: MailId) -> String {
    format!("mail {id}")
}

impl OutgoingMail {
    pub fn new(id: MailId, to: Email, content: MailContent, at: Timestamp) -> Self {
        Self { id, to, content, token: None, at }
    }

    #[must_use]
    pub fn with_token(mut self, token: &LinkToken, vault: &dyn Vault) -> Self {
        self.token = Some(vault.seal(&context(self.id), token.expose().as_bytes()));
        self
    }
}

/// A mail that is being sent, with the number of this attempt, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedMail {
    pub mail: OutgoingMail,
    pub attempt: u32,
}

/// What is in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxDepth {
    pub waiting: u32,
    pub dead: u32,
}

/// A mail that was refused too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadMail {
    pub id: MailId,
    pub to: Email,
    pub content: MailContent,
    pub at: Timestamp,
    pub attempts: u32,
    /// What the last attempt ended with.
    pub problem: String,
}

/// A mail that is ready to be rendered.
#[derive(Debug, Clone)]
pub struct Mail {
    pub id: MailId,
    pub to: Email,
    pub content: MailContent,
    pub token: Option<LinkToken>,
    pub at: Timestamp,
}

/// The rows that wait to be sent. Rows get in through the commits of other concepts.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes up to `limit` mails that are due at `now`, and nobody else gets them before `until`.
    ///
    /// MUST claim atomically. Each claim counts as an attempt.
    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u16) -> Result<Vec<ClaimedMail>, StoreError>;

    /// MUST forget the sealed token.
    async fn mark_sent(&self, mail: MailId, at: Timestamp) -> Result<(), StoreError>;

    /// Due again at that time, or never again when there is none.
    async fn mark_failed(&self, mail: MailId, retry_at: Option<Timestamp>, why: &str) -> Result<(), StoreError>;

    /// How many wait, and how many are dead.
    async fn depth(&self) -> Result<OutboxDepth, StoreError>;

    /// Up to `limit` mails that will not be tried again, newest first.
    async fn dead(&self, limit: u16) -> Result<Vec<DeadMail>, StoreError>;

    /// Makes a dead mail due at once, with all its attempts before it; `false` when there is no such dead mail.
    async fn requeue(&self, mail: MailId, at: Timestamp) -> Result<bool, StoreError>;

    /// Resolves when there may be something to claim. MAY resolve without cause.
    async fn written(&self);
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("the mail was not accepted: {0}")]
pub struct MailError(pub String);

/// Renders a mail and hands it over.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Mailer: Send + Sync {
    /// MUST return `Ok` only when the mail will survive a crash of this process.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// Sends what is in the outbox.
pub struct Postman {
    outbox: Arc<dyn Outbox>,
    mailer: Arc<dyn Mailer>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
}

/// For so long nobody else takes a mail that somebody is sending.
const LEASE: Duration = MINUTE;
/// Mails in one claim: few enough that all of them are through before the lease ends, if each takes the ten seconds that a
/// mailer may.
const BATCH: u16 = 4;
/// After so many attempts a mail is dead.
const MAX_MAIL_ATTEMPTS: u32 = 12;

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    pub sent: u32,
    pub failed: u32,
}

impl Postman {
    pub fn new(outbox: Arc<dyn Outbox>, mailer: Arc<dyn Mailer>, vault: Arc<dyn Vault>, clock: Arc<dyn Clock>) -> Self {
        Self { outbox, mailer, vault, clock }
    }

    /// Claims what is due and sends it. A round that did nothing means that nothing is due.
    pub async fn round(&self) -> Result<Round, StoreError> {
        let now = self.clock.now();
        let mut round = Round::default();
        for claimed in self.outbox.claim(now, now.plus(LEASE), BATCH).await? {
            match self.deliver(&claimed.mail).await {
                Ok(()) => {
                    self.outbox.mark_sent(claimed.mail.id, self.clock.now()).await?;
                    round.sent += 1;
                }
                Err(error) => {
                    let retry_at = retry_after(claimed.attempt).map(|pause| self.clock.now().plus(pause));
                    self.outbox.mark_failed(claimed.mail.id, retry_at, &error.to_string()).await?;
                    round.failed += 1;
                }
            }
        }
        Ok(round)
    }

    async fn deliver(&self, mail: &OutgoingMail) -> Result<(), MailError> {
        let token = mail.token.as_ref().map(|sealed| self.unseal(mail.id, sealed)).transpose()?;
        let mail = Mail { id: mail.id, to: mail.to.clone(), content: mail.content.clone(), token, at: mail.at };
        self.mailer.send(&mail).await
    }

    fn unseal(&self, id: MailId, sealed: &Sealed) -> Result<LinkToken, MailError> {
        let plain = self.vault.unseal(&context(id), sealed).map_err(|error| MailError(error.to_string()))?;
        let text = String::from_utf8(plain).ok();
        text.and_then(|text| LinkToken::parse(&text)).ok_or_else(|| MailError("its link does not open".to_owned()))
    }
}

/// Doubles from half a minute to an hour; `None` after the last attempt.
fn retry_after(attempt: u32) -> Option<Duration> {
    let doubled = (MINUTE / 2).saturating_mul(1 << attempt.saturating_sub(1).min(16));
    (attempt < MAX_MAIL_ATTEMPTS).then_some(doubled.min(HOUR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        secret::MockVault,
        testing::{FixedClock, people},
    };

    fn claimed(attempt: u32) -> ClaimedMail {
        let mail = OutgoingMail::new(
            MailId::new(people::uuid(1)),
            people::email("ada@example.com"),
            MailContent::SignupWelcome,
            people::NOW,
        );
        ClaimedMail { mail: OutgoingMail { token: Some(Sealed(vec![1])), ..mail }, attempt }
    }

    fn postman(outbox: MockOutbox, mailer: MockMailer) -> Postman {
        let mut vault = MockVault::new();
        vault.expect_unseal().returning(|_, _| Ok(vec![b't'; 43]));
        Postman::new(Arc::new(outbox), Arc::new(mailer), Arc::new(vault), Arc::new(FixedClock(people::NOW)))
    }

    #[tokio::test]
    async fn a_mail_is_marked_sent_after_it_was_handed_over() {
        let mut order = mockall::Sequence::new();
        let (mut outbox, mut mailer) = (MockOutbox::new(), MockMailer::new());
        outbox.expect_claim().returning(|_, _, _| Ok(vec![claimed(1)]));
        mailer.expect_send().times(1).in_sequence(&mut order).withf(|mail| mail.token.is_some()).returning(|_| Ok(()));
        outbox.expect_mark_sent().times(1).in_sequence(&mut order).returning(|_, _| Ok(()));
        assert_eq!(postman(outbox, mailer).round().await.unwrap(), Round { sent: 1, failed: 0 });
    }

    #[tokio::test]
    async fn a_refused_mail_is_tried_again_later_and_dies_in_the_end() {
        for (attempt, retry) in [(1, Some(MINUTE / 2)), (3, Some(2 * MINUTE)), (11, Some(HOUR)), (12, None)] {
            let (mut outbox, mut mailer) = (MockOutbox::new(), MockMailer::new());
            outbox.expect_claim().returning(move |_, _, _| Ok(vec![claimed(attempt)]));
            mailer.expect_send().returning(|_| Err(MailError("no".into())));
            outbox
                .expect_mark_failed()
                .times(1)
                .withf(move |_, at, _| *at == retry.map(|pause| people::NOW.plus(pause)))
                .returning(|_, _, _| Ok(()));
            assert_eq!(postman(outbox, mailer).round().await.unwrap().failed, 1);
        }
    }
}
