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
    /// The same, into an account that was deleted and comes back by it.
    Return(WebSession),
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

/// Who has shown the first factor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arriving {
    pub(super) account: AccountId,
    pub(super) has_factor: bool,
    /// The account is deleted and not purged: with this sign-in it comes back.
    pub(super) comes_back: bool,
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
    pub(super) fn enter(&self, who: Arriving, by: By, client: &Client) -> (Entrance, Effects, Entered) {
        let Arriving { account, has_factor, comes_back } = who;
        if has_factor {
            let token = LinkToken::generate(self.desk.secrets.as_ref());
            let challenge = NewChallenge::new(&self.desk, account, &token, client);
            let expires_at = challenge.expires_at;
            return (Entrance::Challenge(challenge), Effects::none(), Entered::Challenged { token, expires_at });
        }
        let session = WebSession::begin(&self.desk, account, client.agent.clone());
        let effects = self.arrived(&session, by.as_str(), comes_back);
        let entered = Entered::SignedIn(self.signed_in(&session));
        let entrance = if comes_back { Entrance::Return(session) } else { Entrance::Session(session) };
        (entrance, effects, entered)
    }

    /// What a sign-in that is whole leaves on the log.
    pub(super) fn arrived(&self, session: &WebSession, via: &str, comes_back: bool) -> Effects {
        let logged_in = self.logged_in(session, via);
        if !comes_back {
            return Effects::audited(logged_in);
        }
        let actor = Actor::Customer { account: session.account, credential: None };
        let restored = self.desk.audit_as(actor, session.account, AuditAction::AccountRestored).on(session.account);
        Effects::audited(restored).and_audited(logged_in)
    }

    fn logged_in(&self, session: &WebSession, via: &str) -> AuditDraft {
        let actor = Actor::Customer { account: session.account, credential: Some(Credential::Session(session.id)) };
        self.desk
            .audit_as(actor, session.account, AuditAction::LoggedIn)
            .on(session.id)
            .with("os", session.agent.os.as_str())
            .with("browser", session.agent.browser.as_str())
            .with("via", via)
    }
}
