use std::sync::Arc;

use super::preference::{MailPreference, OptionalMail, PreferenceStore};
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, MaybeStale, StoreError},
    desk::Desk,
    id::AccountId,
    policy::action::{ReadPreferences, SetPreference},
};

/// A changed preference.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PreferenceChange {
    pub account: AccountId,
    pub preference: MailPreference,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SetPreferenceError(#[from] pub CommitError);

impl MaybeStale for SetPreferenceError {
    fn is_stale(&self) -> bool {
        self.0.is_stale()
    }
}

/// Which mails a workspace wants.
pub struct Preferences {
    store: Arc<dyn PreferenceStore>,
    desk: Desk,
}

impl Preferences {
    pub fn new(store: Arc<dyn PreferenceStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    /// All of them, in the order of [`OptionalMail::ALL`].
    pub async fn list(&self, by: &Permit<ReadPreferences>) -> Result<Vec<MailPreference>, StoreError> {
        let declined = self.store.declined(by.workspace()).await?;
        let preference = |mail: &OptionalMail| MailPreference { mail: *mail, opted_in: !declined.contains(mail) };
        Ok(OptionalMail::ALL.iter().map(preference).collect())
    }

    /// Choosing what is chosen already changes nothing.
    pub async fn set(&self, by: &Permit<SetPreference>, preference: MailPreference) -> Result<(), SetPreferenceError> {
        let declined = self.store.declined(by.workspace()).await.map_err(CommitError::from)?.contains(&preference.mail);
        if declined != preference.opted_in {
            return Ok(());
        }
        let entry = self
            .desk
            .audit(by, AuditAction::EmailPreferencesChanged)
            .with("event_type", preference.mail.as_str())
            .with("opted_in", preference.opted_in);
        let it =
            PreferenceChange { account: by.workspace(), preference, change: Change::new(by, Effects::audited(entry)) };
        Ok(self.store.commit_preference(&it).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mail::MockPreferenceStore,
        testing::{desk, people},
    };

    async fn set(declined: Vec<OptionalMail>, opted_in: bool, commits: usize) -> bool {
        let mut store = MockPreferenceStore::new();
        store.expect_declined().returning(move |_| Ok(declined.clone()));
        store
            .expect_commit_preference()
            .times(commits)
            .withf(move |it| it.preference.opted_in == opted_in && it.change.effects.audit.len() == 1)
            .returning(|_| Ok(()));
        let preference = MailPreference { mail: OptionalMail::TierChanged, opted_in };
        Preferences::new(Arc::new(store), desk()).set(&people::permit(), preference).await.is_ok()
    }

    #[tokio::test]
    async fn only_a_change_is_committed() {
        assert!(set(vec![], false, 1).await);
        assert!(set(vec![OptionalMail::TierChanged], true, 1).await);
        assert!(set(vec![], true, 0).await);
        assert!(set(vec![OptionalMail::TierChanged], false, 0).await);
    }
}
