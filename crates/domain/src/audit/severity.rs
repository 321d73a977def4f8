//! Which entries somebody should hear of at once.

use super::{action::AuditAction, entry::AuditDraft};

/// How much an entry matters to the owner of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// To be read when somebody looks.
    Ordinary,
    /// It changed who gets in or what they may do there, or somebody seems to be trying to.
    High,
}

impl AuditAction {
    /// Without a wildcard: whoever adds an action has to say.
    pub const fn severity(self) -> Severity {
        match self {
            Self::PasswordChanged
            | Self::EmailChanged
            | Self::MfaEnrolled
            | Self::MfaDisabled
            | Self::MfaPaused
            | Self::RecoveryCodesRegenerated
            | Self::WebSessionRevoked
            | Self::StaffChanged
            | Self::AccountSuspended
            | Self::AccountUnsuspended
            | Self::DeletionRequested
            | Self::AccountRestored
            | Self::DeviceBound
            | Self::KeyMinted
            | Self::KeyRevoked
            | Self::KeyRotated
            | Self::InviteAccepted
            | Self::RoleChanged
            | Self::MemberRemoved
            | Self::OwnershipTransferred
            // What happens here is told to somebody elsewhere from then on.
            | Self::EndpointCreated
            | Self::EndpointSecretRotated => Severity::High,
            Self::AccountCreated
            | Self::AccountPurged
            | Self::EmailVerified
            | Self::AccountUpdated
            | Self::AvatarRemoved
            | Self::AvatarUpdated
            | Self::LoggedIn
            | Self::LoggedOut
            | Self::SteppedUp
            | Self::EmailPreferencesChanged
            | Self::SessionCreated
            | Self::SessionDestroyed
            | Self::ProfileCreated
            | Self::ProfileUpdated
            | Self::ProfileDeleted
            | Self::TierChanged
            | Self::PlanChanged
            | Self::OverrideSet
            | Self::OverrideCleared
            | Self::SupportNote
            | Self::StaffActed
            | Self::MemberInvited
            | Self::InviteResent
            | Self::InviteRevoked
            | Self::TeamUpdated
            | Self::EndpointUpdated
            | Self::EndpointDeleted
            | Self::EndpointTested
            | Self::DeliveryReplayed => Severity::Ordinary,
        }
    }
}

impl AuditDraft {
    pub fn is_severe(&self) -> bool {
        self.action.severity() == Severity::High
    }
}

impl super::entry::AuditEntry {
    /// An action that this version does not know was written by another one; nobody is kept from hearing of it.
    pub fn is_severe(&self) -> bool {
        self.action.parse::<AuditAction>().map_or(Severity::High, AuditAction::severity) == Severity::High
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_who_gets_in_is_severe() {
        let severe = |action: &&&AuditAction| action.severity() == Severity::High;
        let words: Vec<_> = AuditAction::ALL.iter().filter(|it| severe(&it)).map(|action| action.as_str()).collect();
        assert_eq!(
            words,
            [
                "account.email_changed",
                "account.password_changed",
                "account.mfa_enrolled",
                "account.mfa_disabled",
                "account.mfa_paused",
                "account.mfa_recovery_codes_regenerated",
                "account.web_session_revoked",
                "account.staff_changed",
                "api_key.device_bound",
                "account.suspended",
                "account.unsuspended",
                "account.deletion_requested",
                "account.restored",
                "api_key.minted",
                "api_key.revoked",
                "api_key.rotated",
                "team.invite_accepted",
                "team.member_role_changed",
                "team.member_removed",
                "team.ownership_transferred",
                "webhook_endpoint.created",
                "webhook_endpoint.secret_rotated",
            ]
        );
    }
}
