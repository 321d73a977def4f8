//! Whose hand acts on an account that is not its own, and how that is written down.

use super::noun::SeenAccount;
use crate::{
    access::{Credential, Permit},
    audit::{Actor, AuditAction, AuditDraft},
    change::{Change, Effects, Guard, Revision},
    desk::Desk,
    id::AccountId,
};

/// The customer learns that staff acted and in which session, not who they are. The staff member's own log, which only they
/// and the operator can read, says the rest in the same transaction; as both are chains, neither can be bent afterwards.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hand {
    Operator,
    Staff { account: AccountId, revision: Revision, credential: Credential },
}

impl Hand {
    pub(super) fn of<A>(by: &Permit<A>) -> Self {
        let access = by.access();
        Self::Staff { account: access.account, revision: access.account_revision, credential: access.credential }
    }

    fn actor(self) -> Actor {
        match self {
            Self::Operator => Actor::System,
            Self::Staff { credential, .. } => Actor::Staff { credential },
        }
    }

    /// An entry on the log of `account`, about the account itself.
    pub(super) fn entry(self, desk: &Desk, account: AccountId, action: AuditAction) -> AuditDraft {
        desk.audit_as(self.actor(), account, action).on(account)
    }

    /// A change of `seen` with that entry, guarded by its revision. That of staff also needs their own, which moves when they
    /// stop being staff.
    pub(super) fn change(self, desk: &Desk, seen: &SeenAccount, entry: AuditDraft) -> Change {
        let guard = Guard::seen(seen.account.id, seen.revision);
        match self {
            Self::Staff { account, revision, .. } if account != entry.account => {
                let own = desk
                    .audit_as(self.actor(), account, AuditAction::StaffActed)
                    .on(entry.account)
                    .with("action", entry.action.as_str())
                    .with("entry_id", entry.id.to_string());
                Change::new(guard.and(account, revision), Effects::audited(entry).and_audited(own))
            }
            Self::Staff { account, revision, .. } => Change::new(guard.and(account, revision), Effects::audited(entry)),
            Self::Operator => Change::new(guard, Effects::audited(entry)),
        }
    }
}
