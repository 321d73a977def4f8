//! Deleting a profile.

use super::Profiles;
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::{AccountId, ProfileId, SessionId},
    policy::action::DeleteProfile,
    time::Timestamp,
};

/// A profile that goes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProfileDeletion {
    pub account: AccountId,
    pub profile: ProfileId,
    pub at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum DeleteProfileError {
    /// Also one of somebody else.
    #[error("no such profile")]
    NotFound,
    #[error("the session `{0}` runs on this profile; end it first")]
    InUse(SessionId),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(DeleteProfileError);

impl Profiles {
    /// Deleting it twice is deleting it once. Sessions that ran on it keep its id.
    pub async fn delete(&self, by: &Permit<DeleteProfile>, id: ProfileId) -> Result<(), DeleteProfileError> {
        let account = by.workspace();
        let profile = self.store.profile(account, id).await?.ok_or(DeleteProfileError::NotFound)?;
        if !profile.is_there() {
            return Ok(());
        }
        if let Some(session) = self.store.running_on(account, id).await? {
            return Err(DeleteProfileError::InUse(session));
        }
        let entry = profile.describe(&self.desk, self.desk.audit(by, AuditAction::ProfileDeleted));
        let it = ProfileDeletion {
            account,
            profile: id,
            at: self.desk.now(),
            change: Change::new(by, Effects::audited(entry)),
        };
        Ok(self.store.commit_profile_deletion(&it).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        profile::{MockProfileStore, Profile},
        testing::{desk, people},
    };
    use std::sync::Arc;

    #[tokio::test]
    async fn what_is_deleted_is_not_deleted_again() {
        let mut store = MockProfileStore::new();
        store
            .expect_profile()
            .returning(|_, _| Ok(Some(Profile { deleted_at: Some(people::NOW), ..people::profile() })));
        let profiles = Profiles::new(Arc::new(store), desk());
        profiles.delete(&people::permit(), people::profile().id).await.unwrap();
    }

    fn profiles(running: Option<SessionId>, commits: usize) -> Profiles {
        let mut store = MockProfileStore::new();
        store.expect_profile().returning(|_, id| Ok(Some(people::profile()).filter(|it| it.id == id)));
        store.expect_running_on().returning(move |_, _| Ok(running));
        store.expect_commit_profile_deletion().times(commits).returning(|_| Ok(()));
        Profiles::new(Arc::new(store), desk())
    }

    #[tokio::test]
    async fn a_profile_goes_unless_something_runs_on_it() {
        profiles(None, 1).delete(&people::permit(), people::profile().id).await.unwrap();
        let running = people::session().id;
        let refused = profiles(Some(running), 0).delete(&people::permit(), people::profile().id).await;
        assert!(matches!(refused, Err(DeleteProfileError::InUse(session)) if session == running));
        let unknown = profiles(None, 0).delete(&people::permit(), ProfileId::new(people::uuid(1))).await;
        assert!(matches!(unknown, Err(DeleteProfileError::NotFound)));
    }
}
