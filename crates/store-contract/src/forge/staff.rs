//! What staff do.

use std::sync::Arc;

use driftstack_domain::{
    access::Permit,
    desk::Desk,
    policy::action::{SuspendAccount, TransferOwnership},
    staff::{MockStaffStore, OwnershipTransfer, SeenAccount, Staff, StatusChange, Tie},
};

use super::Caught;

pub async fn suspension(desk: &Desk, by: &Permit<SuspendAccount>, seen: SeenAccount) -> StatusChange {
    let (mut store, caught) = (MockStaffStore::new(), Caught::nothing());
    let id = seen.account.id;
    store.expect_account().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_status().returning(caught.catch());
    Staff::new(Arc::new(store), desk.clone()).suspend(by, id, None).await.unwrap();
    caught.take()
}

/// A transfer between two accounts that seem to stand so to each other.
pub async fn transfer(
    desk: &Desk,
    by: &Permit<TransferOwnership>,
    from: SeenAccount,
    to: SeenAccount,
    tie: Tie,
) -> OwnershipTransfer {
    let (mut store, caught) = (MockStaffStore::new(), Caught::nothing());
    let (giver, taker) = (from.account.id, to.account.id);
    store.expect_account().returning(move |id| Ok(Some(if id == giver { from.clone() } else { to.clone() })));
    store.expect_tie().returning(move |_, _| Ok(tie));
    store.expect_commit_transfer().returning(caught.catch());
    Staff::new(Arc::new(store), desk.clone()).transfer(by, giver, taker).await.unwrap();
    caught.take()
}
