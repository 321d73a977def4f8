use serde::{Deserialize, Serialize};

use crate::word::words;

words! {
    /// What an entry says has happened. A word never changes its meaning; new ones may come.
    AuditAction, AuditActionError, "audit action" {
        AccountCreated = "account.created",
        EmailVerified = "account.email_verified",
        EmailChanged = "account.email_changed",
        AccountUpdated = "account.updated",
        PasswordChanged = "account.password_changed",
        AvatarRemoved = "account.avatar_removed",
        AvatarUpdated = "account.avatar_updated",
        LoggedIn = "account.login",
        LoggedOut = "account.logout",
        SteppedUp = "account.stepped_up",
        MfaEnrolled = "account.mfa_enrolled",
        MfaDisabled = "account.mfa_disabled",
        MfaPaused = "account.mfa_paused",
        RecoveryCodesRegenerated = "account.mfa_recovery_codes_regenerated",
        WebSessionRevoked = "account.web_session_revoked",
        EmailPreferencesChanged = "account.email_preferences_changed",
        StaffChanged = "account.staff_changed",
        DeviceBound = "api_key.device_bound",
        AccountSuspended = "account.suspended",
        AccountUnsuspended = "account.unsuspended",
        KeyMinted = "api_key.minted",
        KeyRevoked = "api_key.revoked",
        KeyRotated = "api_key.rotated",
        TierChanged = "subscription.tier_changed",
        PlanChanged = "subscription.plan_changed",
        OverrideSet = "rate_limit_override.set",
        OverrideCleared = "rate_limit_override.cleared",
        SupportNote = "admin.support_note",
        /// On the log of a staff member: what they did on the account of somebody else.
        StaffActed = "admin.acted",
        MemberInvited = "team.member_invited",
        InviteResent = "team.invite_resent",
        InviteRevoked = "team.invite_revoked",
        InviteAccepted = "team.invite_accepted",
        RoleChanged = "team.member_role_changed",
        MemberRemoved = "team.member_removed",
        TeamUpdated = "team.updated",
        OwnershipTransferred = "team.ownership_transferred",
        EndpointCreated = "webhook_endpoint.created",
        EndpointUpdated = "webhook_endpoint.updated",
        EndpointDeleted = "webhook_endpoint.deleted",
        EndpointSecretRotated = "webhook_endpoint.secret_rotated",
        EndpointTested = "webhook_endpoint.tested",
        DeliveryReplayed = "webhook_delivery.replayed",
    }
}
