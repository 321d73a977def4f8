use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::set_preference::PreferenceChange;
use crate::{
    change::{CommitError, StoreError},
    id::AccountId,
    word::words,
};

words! {
    /// A kind of mail that an account may decline. Critical kinds (verification, reset, invites) are not in the list.
    OptionalMail, OptionalMailError, "optional kind of mail" {
        SignupWelcome = "signup-welcome",
        SessionSuccessFirst = "session-success-first",
        SessionFailedFirst = "session-failed-first",
        TierChanged = "tier-changed",
        BillingReceipt = "billing-receipt",
        BillingRenewalReminder = "billing-renewal-reminder",
    }
}

/// Whether an account wants a kind of mail. What was never set is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailPreference {
    pub mail: OptionalMail,
    pub opted_in: bool,
}

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PreferenceStore: Send + Sync {
    /// What the account has declined.
    async fn declined(&self, account: AccountId) -> Result<Vec<OptionalMail>, StoreError>;

    async fn commit_preference(&self, it: &PreferenceChange) -> Result<(), CommitError>;
}
