//! Changing a profile.

use super::{
    Profiles,
    noun::{Description, Profile},
};
use crate::{
    access::Permit,
    account::{Edit, changed},
    audit::AuditAction,
    change::{Change, CommitError, Effects, Unique, commits},
    id::ProfileId,
    name::Name,
    policy::action::UpdateProfile,
    session::{Archetype, Metadata},
};

/// A partial update of a profile. It always has a name and an archetype, so these are changed or kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProfilePatch {
    pub name: Option<Name>,
    pub archetype: Option<Archetype>,
    pub description: Edit<Description>,
    pub metadata: Edit<Metadata>,
}

impl ProfilePatch {
    fn changed_fields(&self) -> Vec<&'static str> {
        changed([
            ("name", self.name.is_some()),
            ("archetype", self.archetype.is_some()),
            ("description", !self.description.keeps()),
            ("metadata", !self.metadata.keeps()),
        ])
    }

    fn apply(self, profile: &mut Profile) {
        if let Some(name) = self.name {
            profile.name = name;
        }
        if let Some(archetype) = self.archetype {
            profile.archetype = archetype;
        }
        self.description.apply(&mut profile.description);
        self.metadata.apply(&mut profile.metadata);
    }
}

/// A profile as it is from now on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProfileUpdate {
    pub profile: Profile,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum UpdateProfileError {
    #[error("name at least one field to change")]
    NothingToChange,
    /// Also one of somebody else.
    #[error("no such profile")]
    NotFound,
    #[error("another profile of this account has this name")]
    NameTaken,
    #[error(transparent)]
    Commit(CommitError),
}

impl From<CommitError> for UpdateProfileError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Taken(Unique::ProfileName) => Self::NameTaken,
            other => Self::Commit(other),
        }
    }
}

commits!(UpdateProfileError);

impl Profiles {
    /// Changes what `patch` names. Sessions that run on it keep what they took after.
    ///
    /// The whole record is written: of two who change it at once, the revision makes the second one look again.
    pub async fn update(
        &self,
        by: &Permit<UpdateProfile>,
        id: ProfileId,
        patch: ProfilePatch,
    ) -> Result<Profile, UpdateProfileError> {
        let fields = patch.changed_fields();
        if fields.is_empty() {
            return Err(UpdateProfileError::NothingToChange);
        }
        let found = self.store.profile(by.workspace(), id).await?;
        let mut profile = found.filter(Profile::is_there).ok_or(UpdateProfileError::NotFound)?;
        patch.apply(&mut profile);
        profile.updated_at = self.desk.now();
        let entry =
            profile.describe(&self.desk, self.desk.audit(by, AuditAction::ProfileUpdated)).with("fields", fields);
        let it = ProfileUpdate { profile, change: Change::new(by, Effects::audited(entry)) };
        self.store.commit_profile_update(&it).await?;
        Ok(it.profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        profile::MockProfileStore,
        testing::{desk, people},
    };
    use std::sync::Arc;

    fn profiles(commits: usize) -> Profiles {
        let mut store = MockProfileStore::new();
        store.expect_profile().returning(|_, id| Ok(Some(people::profile()).filter(|it| it.id == id)));
        store.expect_commit_profile_update().times(commits).returning(|_| Ok(()));
        Profiles::new(Arc::new(store), desk())
    }

    #[tokio::test]
    async fn what_is_named_changes_and_the_rest_stays() {
        let patch = ProfilePatch { description: Edit::Clear, ..ProfilePatch::default() };
        let updated = profiles(1).update(&people::permit(), people::profile().id, patch).await.unwrap();
        assert_eq!(updated, Profile { description: None, ..people::profile() });
        let patch = ProfilePatch { name: Some(people::name("other")), ..ProfilePatch::default() };
        let updated = profiles(1).update(&people::permit(), people::profile().id, patch).await.unwrap();
        assert_eq!(updated, Profile { name: people::name("other"), ..people::profile() });
    }

    #[tokio::test]
    async fn nothing_and_nobodys_are_refused() {
        let nothing = profiles(0).update(&people::permit(), people::profile().id, ProfilePatch::default()).await;
        assert!(matches!(nothing, Err(UpdateProfileError::NothingToChange)));
        let patch = ProfilePatch { name: Some(people::name("other")), ..ProfilePatch::default() };
        let unknown = profiles(0).update(&people::permit(), ProfileId::new(people::uuid(1)), patch).await;
        assert!(matches!(unknown, Err(UpdateProfileError::NotFound)));
    }
}
