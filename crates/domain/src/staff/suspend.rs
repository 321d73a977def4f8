//! Suspending an account, and ending that.

use super::{
    Staff, StaffError,
    hand::Hand,
    noun::SeenAccount,
    remark::{Remark, because},
};
use crate::{
    access::Permit,
    account::AccountStatus,
    audit::AuditAction,
    change::{Change, CommitError, commits},
    id::AccountId,
    policy::action::{SuspendAccount, UnsuspendAccount},
    time::Timestamp,
};

/// An account with another status. Its sessions and keys are not touched: the door refuses them for as long as it lasts.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StatusChange {
    pub account: AccountId,
    pub from: AccountStatus,
    pub to: AccountStatus,
    pub at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum SuspendError {
    #[error("no such account")]
    NotFound,
    #[error("this is your own account, and you could not undo it; ask a colleague")]
    Oneself,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(SuspendError);

impl From<StaffError> for SuspendError {
    fn from(error: StaffError) -> Self {
        match error {
            StaffError::NotFound => Self::NotFound,
            StaffError::Commit(error) => Self::Commit(error),
        }
    }
}

impl Staff {
    /// From the next request on nobody gets in: neither the account, nor the members of its team into its workspace.
    pub async fn suspend(
        &self,
        by: &Permit<SuspendAccount>,
        id: AccountId,
        reason: Option<&Remark>,
    ) -> Result<SeenAccount, SuspendError> {
        if id == by.access().account {
            return Err(SuspendError::Oneself);
        }
        let (to, action) = (AccountStatus::Suspended, AuditAction::AccountSuspended);
        Ok(self.to_status(Hand::of(by), id, to, action, reason).await?)
    }

    /// What was refused is let in again; nothing was lost.
    pub async fn unsuspend(
        &self,
        by: &Permit<UnsuspendAccount>,
        id: AccountId,
        reason: Option<&Remark>,
    ) -> Result<SeenAccount, StaffError> {
        let (to, action) = (AccountStatus::Active, AuditAction::AccountUnsuspended);
        self.to_status(Hand::of(by), id, to, action, reason).await
    }

    async fn to_status(
        &self,
        hand: Hand,
        id: AccountId,
        to: AccountStatus,
        action: AuditAction,
        reason: Option<&Remark>,
    ) -> Result<SeenAccount, StaffError> {
        let mut seen = self.seen(id).await?;
        let from = seen.account.status;
        if from == to {
            return Ok(seen);
        }
        let entry = because(&self.desk, hand.entry(&self.desk, id, action), reason);
        let change = hand.change(&self.desk, &seen, entry);
        let it = StatusChange { account: id, from, to, at: self.desk.now(), change };
        self.store.commit_status(&it).await?;
        (seen.account.status, seen.account.updated_at) = (it.to, it.at);
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        staff::port::MockStaffStore,
        testing::{desk, people},
    };
    use std::sync::Arc;

    #[tokio::test]
    async fn nobody_suspends_themselves() {
        let staff = Staff::new(Arc::new(MockStaffStore::new()), desk());
        let refused = staff.suspend(&people::permit(), people::OLIVE, None).await;
        assert!(matches!(refused, Err(SuspendError::Oneself)));
    }

    #[tokio::test]
    async fn what_is_suspended_is_not_suspended_again() {
        for (status, commits) in [(AccountStatus::Active, 1), (AccountStatus::Suspended, 0)] {
            let account = crate::account::Account { status, ..people::account(people::ADA, "ada@example.com") };
            let mut store = MockStaffStore::new();
            store.expect_account().returning(move |_| Ok(Some(people::seen_account(account.clone()))));
            store
                .expect_commit_status()
                .times(commits)
                .withf(|it| {
                    let logs: Vec<_> = it.change.effects.audit.iter().map(|entry| entry.account).collect();
                    logs == [people::ADA, people::OLIVE] && it.change.guard.accounts().len() == 2
                })
                .returning(|_| Ok(()));
            let seen = Staff::new(Arc::new(store), desk()).suspend(&people::permit(), people::ADA, None).await.unwrap();
            assert_eq!(seen.account.status, AccountStatus::Suspended);
        }
    }
}
