//! Memberships: who works on whose account, and the invites that lead there.

mod accept;
mod change_role;
mod invite;
mod noun;
mod port;
mod remove;
mod revoke_invite;

pub use accept::{AcceptError, Acceptance};
pub use change_role::{ChangeRoleError, RoleChange};
pub use invite::{Invitation, InviteError, ResendError, Resending};
pub use noun::{INVITE_LIFE, Invite, Membership, OwnerSeen, SeenInvite, SeenInvitee, SeenMembership, SeenToken};
pub use port::{InviteStore, MembershipStore};
#[cfg(feature = "testing")]
pub use port::{MockInviteStore, MockMembershipStore};
pub use remove::{Removal, RemoveError};
pub use revoke_invite::{InviteRevocation, RevokeInviteError};

use std::sync::Arc;

use crate::{
    access::Permit,
    change::StoreError,
    desk::Desk,
    page::{Page, PageRequest},
    policy::action::{ListInvites, ListMembers, ListOwners},
};

/// Sending, taking back and accepting invites.
pub struct Invites {
    store: Arc<dyn InviteStore>,
    desk: Desk,
}

impl Invites {
    pub fn new(store: Arc<dyn InviteStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    /// The pending ones of the caller's team, newest first.
    pub async fn list(&self, by: &Permit<ListInvites>, page: PageRequest) -> Result<Page<Invite>, StoreError> {
        self.store.pending_invites(by.workspace(), self.desk.now(), page).await
    }
}

/// The people of a team, seen from both sides.
pub struct Memberships {
    store: Arc<dyn MembershipStore>,
    desk: Desk,
}

impl Memberships {
    pub fn new(store: Arc<dyn MembershipStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    /// The members of the caller's team, newest first. The owner is not one of them.
    pub async fn members(&self, by: &Permit<ListMembers>, page: PageRequest) -> Result<Page<Membership>, StoreError> {
        self.store.members(by.workspace(), page).await
    }

    /// The teams that the caller is a member of, newest first.
    pub async fn owners(&self, by: &Permit<ListOwners>, page: PageRequest) -> Result<Page<OwnerSeen>, StoreError> {
        self.store.owners(by.workspace(), page).await
    }
}
