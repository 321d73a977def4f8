//! What is done on accounts by somebody else than their holders: the operator from the command line, and staff from a web
//! session.
//!
//! Staff stand on a customer's log as `staff`, with the session but without the person; the person's own log says what they
//! did and where.

mod change_plan;
mod change_tier;
mod hand;
mod look;
mod note;
mod noun;
mod operate;
mod override_limit;
mod port;
mod remark;
mod suspend;
mod transfer;

use std::sync::Arc;

use crate::{
    change::{CommitError, commits},
    desk::Desk,
    id::AccountId,
};

pub use change_plan::PlanChange;
pub use change_tier::TierChange;
pub use look::{EmailStart, EmailStartError};
pub use note::{SupportNote, Written};
pub use noun::{AccountListed, SeenAccount, Tie};
pub use operate::{OperateError, Operator, OperatorKey, StaffChange};
pub use override_limit::{OverrideChange, OverrideOrder};
#[cfg(feature = "testing")]
pub use port::MockStaffStore;
pub use port::StaffStore;
pub use remark::{Remark, RemarkError};
pub use suspend::{StatusChange, SuspendError};
pub use transfer::{OwnershipTransfer, TransferError};

#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    #[error("no such account")]
    NotFound,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(StaffError);

/// What staff do on the accounts of others.
pub struct Staff {
    store: Arc<dyn StaffStore>,
    desk: Desk,
}

impl Staff {
    pub fn new(store: Arc<dyn StaffStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    async fn seen(&self, id: AccountId) -> Result<SeenAccount, StaffError> {
        self.store.account(id).await?.ok_or(StaffError::NotFound)
    }
}
