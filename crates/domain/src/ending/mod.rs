//! The end of an account: it is deleted, comes back by a sign-in or not, and is purged.
//!
//! A deletion takes effect at once, and can be taken back for [`GRACE`]: whoever signs in has the account again. What was
//! handed out (sessions, keys, invites) and what binds others (memberships in their teams) does not come back. Address and
//! handle stay taken. Then a worker purges the account: everything that says something of a person goes, and what is left
//! is a row without a name, and a log whose chain still holds.

mod delete;
mod holdings;
mod noun;
mod port;
mod purge;

pub use delete::{Deletion, Endings};
pub use holdings::Holdings;
pub use noun::{
    Departure, GRACE, Grace, HeldAccount, HeldEvent, HeldLink, HeldMail, HeldSignIn, PurgePlace, SeenEnding, SeenPurge,
};
pub use port::{EndingStore, HoldingStore};
#[cfg(feature = "testing")]
pub use port::{MockEndingStore, MockHoldingStore};
pub use purge::{NotPurged, Purge, PurgeRound, Purger};
