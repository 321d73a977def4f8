//! Mails to send, and the mailer that sends them.

use driftstack_domain::{
    id::MailId,
    mail::{Mail, MailContent},
    policy::Role,
    secret::LinkToken,
    testing::people::{self, LATER, NOW},
    tier::Tier,
};
use driftstack_mailer::{SmtpMailer, SmtpOpenError};

pub const TOKEN: &str = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE";

/// To Ada, with a token whether it is needed or not.
pub fn mail(content: MailContent) -> Mail {
    Mail {
        id: MailId::new(people::uuid(0x40)),
        to: people::email("ada@example.com"),
        content,
        token: LinkToken::parse(TOKEN),
        at: NOW,
    }
}

pub fn verification() -> Mail {
    mail(MailContent::SignupVerification { expires_at: LATER })
}

pub fn invite(team: &str) -> Mail {
    mail(MailContent::TeamInvite { team: people::name(team), role: Role::Admin, expires_at: LATER })
}

pub fn magic_link() -> Mail {
    mail(MailContent::MagicLink { expires_at: LATER })
}

pub fn password_reset() -> Mail {
    mail(MailContent::PasswordReset { expires_at: LATER })
}

pub fn email_change() -> Mail {
    mail(MailContent::EmailChange { expires_at: LATER })
}

pub fn email_change_notice() -> Mail {
    mail(MailContent::EmailChangeNotice { expires_at: LATER })
}

pub fn email_changed() -> Mail {
    mail(MailContent::EmailChanged)
}

pub fn account_deleted() -> Mail {
    mail(MailContent::AccountDeleted { purge_at: LATER })
}

pub fn mfa_enrolled() -> Mail {
    mail(MailContent::MfaEnrolled)
}

pub fn mfa_paused() -> Mail {
    mail(MailContent::MfaPaused { until: LATER })
}

pub fn welcome() -> Mail {
    mail(MailContent::SignupWelcome)
}

pub fn tier_changed() -> Mail {
    mail(MailContent::TierChanged { from: Tier::Free, to: Tier::ApiStarter })
}

pub async fn open(url: &str) -> Result<SmtpMailer, SmtpOpenError> {
    let from = "Driftståck <no-reply@example.org>".parse().unwrap();
    SmtpMailer::open(&url.parse().unwrap(), from, "https://example.com".parse().unwrap()).await
}

pub async fn mailer(url: &str) -> SmtpMailer {
    open(url).await.unwrap()
}
