//! Web sessions: sign-ins from a browser, with tokens that can be refreshed and sessions that can be ended.

mod agent;
mod noun;
mod port;
mod refresh;
mod revoke;

pub use agent::Agent;
pub use noun::{LiveSession, SESSION_LIFE, SessionClaims, SignedIn, WebSession};
#[cfg(feature = "testing")]
pub use port::MockWebSessionStore;
pub use port::{SeenSession, WebSessionStore};
pub use refresh::{RefreshError, SessionEnd, SessionRenewal, WebSessions};
pub use revoke::{OtherSessionsEnd, RevokeSessionError};
