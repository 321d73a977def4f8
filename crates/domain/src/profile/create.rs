//! Keeping another profile.

use super::{
    Profiles,
    noun::{Profile, ProfileOrder},
};
use crate::{
    audit::AuditAction,
    change::{Capped, Change, CommitError, Effects, Guard, Unique, commits},
    idempotency::Creation,
    policy::action::CreateProfile,
};

/// A new profile, for which there must be room.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProfileCreation {
    pub profile: Profile,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateProfileError {
    #[error("another profile of this account has this name")]
    NameTaken,
    #[error("there are {kept} profiles on this account, and its tier allows {limit}; delete one, or change the tier")]
    Full { kept: u32, limit: u32 },
    #[error(transparent)]
    Commit(CommitError),
}

impl From<CommitError> for CreateProfileError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Taken(Unique::ProfileName) => Self::NameTaken,
            other => Self::Commit(other),
        }
    }
}

commits!(CreateProfileError);

impl Profiles {
    /// It counts on the cap of the workspace's owner, whoever makes it.
    pub async fn create<'a>(
        &self,
        by: impl Into<Creation<'a, CreateProfile, Profile>>,
        order: ProfileOrder,
    ) -> Result<Profile, CreateProfileError> {
        let by = by.into();
        let profile = Profile::new(&self.desk, by.access(), order);
        let entry = profile.describe(&self.desk, self.desk.audit(&by, AuditAction::ProfileCreated));
        let limit = by.access().workspace_tier.limits().profiles;
        let guard = Guard::with_room(&*by, Capped::Profiles, limit);
        let change = Change::new(guard, Effects::audited(entry)).keeping(by.answer(&self.desk, &profile));
        let committed = self.store.commit_profile_creation(&ProfileCreation { profile: profile.clone(), change }).await;
        match (committed, limit) {
            (Ok(()), _) => Ok(profile),
            (Err(CommitError::Full { held }), Some(limit)) => Err(CreateProfileError::Full { kept: held, limit }),
            (Err(error), _) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{Access, Permit},
        change::Cap,
        profile::MockProfileStore,
        testing::{desk, people},
        tier::Tier,
    };
    use rstest::rstest;
    use std::sync::Arc;

    fn on(tier: Tier) -> Permit<CreateProfile> {
        Permit::unchecked(Access { workspace_tier: tier, ..*people::permit::<CreateProfile>().access() })
    }

    fn order() -> ProfileOrder {
        ProfileOrder { name: people::name("shop"), archetype: None, description: None, metadata: None }
    }

    #[rstest]
    #[case::counted(Tier::Free, Some(Cap { account: people::OLIVE, of: Capped::Profiles, most: 1 }))]
    #[case::unlimited(Tier::Enterprise, None)]
    #[tokio::test]
    async fn there_must_be_room_where_there_is_a_cap(#[case] tier: Tier, #[case] cap: Option<Cap>) {
        let mut store = MockProfileStore::new();
        let expected = move |it: &ProfileCreation| it.change.guard.cap() == cap.as_ref();
        store.expect_commit_profile_creation().times(1).withf(expected).returning(|_| Ok(()));
        let profile = Profiles::new(Arc::new(store), desk()).create(&on(tier), order()).await.unwrap();
        assert_eq!((profile.account, profile.archetype.as_str()), (people::OLIVE, "default"));
    }

    #[tokio::test]
    async fn where_there_is_no_room_it_says_how_many_there_are() {
        let mut store = MockProfileStore::new();
        store.expect_commit_profile_creation().returning(|_| Err(CommitError::Full { held: 3 }));
        let full = Profiles::new(Arc::new(store), desk()).create(&on(Tier::Free), order()).await.unwrap_err();
        assert!(matches!(full, CreateProfileError::Full { kept: 3, limit: 1 }), "{full}");
    }

    #[tokio::test]
    async fn a_taken_name_is_its_own_refusal() {
        let mut store = MockProfileStore::new();
        store.expect_commit_profile_creation().returning(|_| Err(CommitError::Taken(Unique::ProfileName)));
        let taken = Profiles::new(Arc::new(store), desk()).create(&on(Tier::Free), order()).await;
        assert!(matches!(taken, Err(CreateProfileError::NameTaken)));
    }
}
