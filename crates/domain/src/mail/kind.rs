use serde::{Deserialize, Serialize};

use super::preference::OptionalMail;
use crate::{name::Name, policy::Role, tier::Tier, time::Timestamp, word::words};

words! {
    /// What a mail is about.
    MailKind, MailKindError, "kind of mail" {
        SignupVerification = "signup-verification",
        MagicLink = "magic-link",
        PasswordReset = "password-reset",
        EmailChange = "email-change",
        EmailChangeNotice = "email-change-notice",
        EmailChanged = "email-changed",
        AccountDeleted = "account-deleted",
        TeamInvite = "team-invite",
        MfaEnrolled = "mfa-enrolled",
        MfaPaused = "mfa-paused",
        SignupWelcome = "signup-welcome",
        TierChanged = "tier-changed",
    }
}

/// What a mail says, without the secret of its link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum MailContent {
    SignupVerification {
        expires_at: Timestamp,
    },
    MagicLink {
        expires_at: Timestamp,
    },
    PasswordReset {
        expires_at: Timestamp,
    },
    EmailChange {
        expires_at: Timestamp,
    },
    /// To the address that is to be left.
    EmailChangeNotice {
        expires_at: Timestamp,
    },
    /// To the address that was left.
    EmailChanged,
    AccountDeleted {
        purge_at: Timestamp,
    },
    TeamInvite {
        team: Name,
        role: Role,
        expires_at: Timestamp,
    },
    MfaEnrolled,
    MfaPaused {
        until: Timestamp,
    },
    SignupWelcome,
    TierChanged {
        from: Tier,
        to: Tier,
    },
}

impl MailContent {
    pub const fn kind(&self) -> MailKind {
        match self {
            Self::SignupVerification { .. } => MailKind::SignupVerification,
            Self::MagicLink { .. } => MailKind::MagicLink,
            Self::PasswordReset { .. } => MailKind::PasswordReset,
            Self::EmailChange { .. } => MailKind::EmailChange,
            Self::EmailChangeNotice { .. } => MailKind::EmailChangeNotice,
            Self::EmailChanged => MailKind::EmailChanged,
            Self::AccountDeleted { .. } => MailKind::AccountDeleted,
            Self::MfaEnrolled => MailKind::MfaEnrolled,
            Self::MfaPaused { .. } => MailKind::MfaPaused,
            Self::TeamInvite { .. } => MailKind::TeamInvite,
            Self::SignupWelcome => MailKind::SignupWelcome,
            Self::TierChanged { .. } => MailKind::TierChanged,
        }
    }

    /// The preference that may keep this mail from being sent; `None` for a critical one.
    pub const fn preference(&self) -> Option<OptionalMail> {
        match self {
            Self::SignupVerification { .. }
            | Self::MagicLink { .. }
            | Self::PasswordReset { .. }
            | Self::EmailChange { .. }
            | Self::EmailChangeNotice { .. }
            | Self::EmailChanged
            | Self::AccountDeleted { .. }
            | Self::TeamInvite { .. }
            | Self::MfaEnrolled
            | Self::MfaPaused { .. } => None,
            Self::SignupWelcome => Some(OptionalMail::SignupWelcome),
            Self::TierChanged { .. } => Some(OptionalMail::TierChanged),
        }
    }
}
