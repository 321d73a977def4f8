//! Which entries move the revision of an account.

use super::action::AuditAction;

impl AuditAction {
    /// Whether a decision that somebody else has made may be wrong after what this entry says.
    ///
    /// It is not after these three, which may come many times a second: how many sessions and profiles there are is counted
    /// under the lock of the account, and whoever changes or ends one expects its state in their `UPDATE`. If they moved the
    /// revision, many who create at once would make each other stale, and everybody else on the account: a key could not be
    /// revoked while it is used. To be on the safe side, whatever is not named here moves it.
    pub const fn moves_the_revision(self) -> bool {
        !matches!(self, Self::SessionCreated | Self::SessionDestroyed | Self::ProfileCreated)
    }
}
