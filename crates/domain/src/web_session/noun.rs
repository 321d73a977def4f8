use std::time::Duration;

use secrecy::SecretString;

use super::agent::Agent;
use crate::{
    desk::Desk,
    id::{AccountId, WebSessionId},
    time::{DAY, Timestamp},
};

/// A session lives so long after the sign-in or the last refresh.
pub const SESSION_LIFE: Duration = DAY.saturating_mul(30);

/// What a session token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionClaims {
    pub session: WebSessionId,
    pub account: AccountId,
    /// Counts the refreshes. All tokens of a sign-in are one family: they differ in this number alone, only the newest is
    /// good, and showing an older one for a refresh ends the session.
    pub generation: i32,
    pub expires_at: Timestamp,
}

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSession {
    pub id: WebSessionId,
    pub account: AccountId,
    pub generation: i32,
    pub agent: Agent,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// When its holder last proved that it is them, beyond the password.
    pub proven_at: Option<Timestamp>,
}

impl WebSession {
    pub(crate) fn begin(desk: &Desk, account: AccountId, agent: Agent) -> Self {
        let now = desk.now();
        Self {
            id: WebSessionId::new(desk.ids.next()),
            account,
            generation: 1,
            agent,
            created_at: now,
            expires_at: now.plus(SESSION_LIFE),
            proven_at: None,
        }
    }

    pub(crate) fn claims(&self) -> SessionClaims {
        SessionClaims {
            session: self.id,
            account: self.account,
            generation: self.generation,
            expires_at: self.expires_at,
        }
    }
}

/// A sign-in in the list of its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    pub id: WebSessionId,
    pub agent: Agent,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// At most a minute old; `None` when it was not used yet.
    pub last_used_at: Option<Timestamp>,
}

/// The token of a session, which is handed out once.
#[derive(Debug)]
pub struct SignedIn {
    pub token: SecretString,
    pub expires_at: Timestamp,
    pub account: AccountId,
}
