//! Mail: what the service writes to people, and how it gets out.
//!
//! * [`render`] makes the text of a mail and the same as a page, with its link, from the domain's `Mail` and the
//!   [`PublicUrl`].
//! * [`FolderMailer`] delivers into a folder, one `.eml` file per mail. It is the default, for trying things out and for
//!   handing mail to another program.
//! * [`SmtpMailer`] hands mail to a mail server, which is named by an [`SmtpUrl`].

mod body;
mod folder;
mod html;
mod letter;
mod message;
mod public_url;
mod render;
mod smtp;
#[cfg(test)]
mod testing;
mod wrap;

pub use folder::FolderMailer;
pub use message::{Sender, SenderError};
pub use public_url::{PublicUrl, PublicUrlError};
pub use render::{Rendered, render};
pub use smtp::{SmtpMailer, SmtpOpenError, SmtpUrl, SmtpUrlError};
