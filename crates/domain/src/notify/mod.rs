//! Notifications: the severe entries of an account's log, told while they are written.
//!
//! Nothing is sent but what stands on the log. A [`Bell`] only says that there may be something new; what that is, and that
//! nothing is missed or told twice, comes from the numbers of the entries.

mod follow;
mod port;
mod seats;

pub use follow::{FollowError, Following, News, Notifications};
pub use port::{Bell, Ear, WishStore};
#[cfg(feature = "testing")]
pub use port::{MockBell, MockEar, MockWishStore};
pub use seats::{MAX_STREAMS, TooMany};
