//! Usage: how many minutes the sessions of a workspace have lasted, by day.
//!
//! A session that ends adds its minutes to its days in the transaction that ends it; those that run are counted when
//! somebody asks. So reading never looks at the sessions of the past, however many there were.

mod day;
mod minutes;
mod port;
mod read;

pub use day::Day;
pub use minutes::{DayMinutes, minutes_by_day};
#[cfg(feature = "testing")]
pub use port::MockUsageStore;
pub use port::{SeenUsage, UsageStore};
pub use read::{Days, DaysError, PeriodUsage, Usage};
