//! Where every way to sign in leads: to a session, or first to the second factor.

use std::time::Duration;

use super::{client::Client, log_in::SignIns};
use crate::{
    access::Credential,
    audit::{Actor, AuditAction, AuditDraft},
    change::Effects,
    desk::Desk,
    id::{AccountId, ChallengeId},
    secret::{Digest, LinkToken},
    time::{MINUTE, Timestamp},
    web_session::{SignedIn, WebSession},
};

/// A challenge can be answered for so long.
pub const CHALLENGE_LIFE: Duration = MINUTE.saturating_mul(5);

/// What a sign-in begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entrance {
    Session(WebSession),
    Challenge(NewChallenge),
}

/// Somebody has shown the first factor and must show the second, from the same address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewChallenge {
    pub id: ChallengeId,
    pub account: AccountId,
    pub token: Digest,
    /// The fingerprint of the address.
    pub address: Digest,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What whoever signs in is handed.
#[derive(Debug)]
pub enum Entered {
    SignedIn(SignedIn),
    Challenged { token: LinkToken, expires_at: Timestamp },
}

/// By what somebody has shown who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Password,
    MagicLink,
    PasswordReset,
}

impl By {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::MagicLink => "magic_link",
            Self::PasswordReset => "password_reset",
        }
    }
}

pub(super) fn address_context(challenge: ChallengeId) -> String {
    format!("challenge {challenge}")
}

impl NewChallenge {
    fn new(desk: &Desk, account: AccountId, token: &LinkToken, client: &Client) -> Self {
        let id = ChallengeId::new(desk.ids.next());
        Self {
            id,
            account,
            token: token.digest(),
            address: desk.vault.fingerprint(&address_context(id), client.address.as_bytes()),
            created_at: desk.now(),
            expires_at: desk.now().plus(CHALLENGE_LIFE),
        }
    }
}

impl SignIns {
    /// Lets somebody in, or asks for the second factor: what is to be stored, what belongs to it, and what they are handed
    /// once it is.
    pub(super) fn enter(
        &self,
        account: AccountId,
        has_factor: bool,
        by: By,
        client: &Client,
    ) -> (Entrance, Effects, Entered) {
        if has_factor {
            let token = LinkToken::generate(self.desk.secrets.as_ref());
            let challenge = NewChallenge::new(&self.desk, account, &token, client);
            let expires_at = challenge.expires_at;
            return (Entrance::Challenge(challenge), Effects::none(), Entered::Challenged { token, expires_at });
        }
        let session = WebSession::begin(&self.desk, account, client.agent.clone());
        let effects = Effects::audited(self.logged_in(&session, by.as_str()));
        let entered = Entered::SignedIn(self.signed_in(&session));
        (Entrance::Session(session), effects, entered)
    }

    pub(super) fn logged_in(&self, session: &WebSession, via: &str) -> AuditDraft {
        let actor = Actor::Customer { account: session.account, credential: Some(Credential::Session(session.id)) };
        self.desk
            .audit_as(actor, session.account, AuditAction::LoggedIn)
            .on(session.id)
            .with("os", session.agent.os.as_str())
            .with("browser", session.agent.browser.as_str())
            .with("via", via)
    }
}
