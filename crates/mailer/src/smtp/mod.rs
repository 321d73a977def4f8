//! Mail by SMTP: one server, which takes our mail and sees to the rest.
//!
//! The connections are lettre's; keeping them is our own. Lettre's own pool puts a connection back even when somebody
//! stopped waiting for the answer to a mail, so the next mail takes that answer for its own; and its time-out ends with
//! the connecting.

mod fault;
mod idle;
mod mailer;
mod server;
mod url;

pub use mailer::SmtpMailer;
pub use server::SmtpOpenError;
pub use url::{SmtpUrl, SmtpUrlError};
