//! What the operator does from the command line.

mod operate;
mod port;

pub use operate::{OperateError, Operator, OperatorKey, StaffChange, TierChange};
#[cfg(feature = "testing")]
pub use port::MockStaffStore;
pub use port::{SeenAccount, StaffStore};
