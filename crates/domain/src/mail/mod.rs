//! Mail: what is sent, to whom, and who wants it.
//!
//! A mail is a row of the transaction that causes it; a worker sends it afterwards. Killed at any point, nothing is lost, and
//! a mail is sent again rather than never.

mod kind;
mod outbox;
mod preference;
mod set_preference;

pub use kind::{MailContent, MailKind};
pub use outbox::{ClaimedMail, DeadMail, Mail, MailError, Mailer, Outbox, OutboxDepth, OutgoingMail, Postman, Round};
#[cfg(feature = "testing")]
pub use outbox::{MockMailer, MockOutbox};
#[cfg(feature = "testing")]
pub use preference::MockPreferenceStore;
pub use preference::{MailPreference, OptionalMail, OptionalMailError, PreferenceStore};
pub use set_preference::{PreferenceChange, Preferences, SetPreferenceError};
