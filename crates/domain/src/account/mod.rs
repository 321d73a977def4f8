//! Accounts: who somebody is, and the workspace that is theirs.

mod edit;
mod noun;
mod port;
mod region;
mod slug;
mod time_zone;

pub use edit::{Accounts, Edit, EditError, ProfileChange, ProfileEdit};
pub(crate) use edit::{changed, renamed};
pub use noun::{Account, AccountStatus, AccountStatusError, OwnAccount};
pub use port::AccountStore;
#[cfg(feature = "testing")]
pub use port::MockAccountStore;
pub use region::{Region, RegionError};
pub use slug::{Slug, SlugError};
pub use time_zone::{TimeZone, TimeZoneError};
