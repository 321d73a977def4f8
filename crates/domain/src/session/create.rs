//! Starting a session.

use super::{
    Sessions,
    noun::{Session, SessionOrder},
};
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Capped, Change, CommitError, Effects, Guard, commits},
    id::ProfileId,
    idempotency::Creation,
    policy::{Standing, action::CreateSession},
    profile::Profile,
};

/// A new session, for which there must be room.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SessionCreation {
    pub session: Session,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateSessionError {
    #[error("only the owner of this account may start a session on one of its profiles; leave `profile_id` out")]
    OwnersProfile,
    /// Also one of somebody else.
    #[error("no such profile")]
    NoProfile,
    #[error("{running} sessions run on this account, and its tier allows {limit} at once; end one, or change the tier")]
    Full { running: u32, limit: u32 },
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(CreateSessionError);

impl Sessions {
    /// It counts on the cap of the workspace's owner, whoever starts it.
    pub async fn create<'a>(
        &self,
        by: impl Into<Creation<'a, CreateSession, Session>>,
        order: SessionOrder,
    ) -> Result<Session, CreateSessionError> {
        let by = by.into();
        let profile = match order.profile {
            Some(id) => Some(self.profile_of_the_owner(&by, id).await?),
            None => None,
        };
        let session = Session::new(&self.desk, by.access(), order, profile);
        let entry = session.describe(self.desk.audit(&by, AuditAction::SessionCreated));
        let limit = by.access().workspace_tier.limits().concurrent_sessions;
        let guard = Guard::with_room(&*by, Capped::Sessions, Some(limit));
        let change = Change::new(guard, Effects::audited(entry)).keeping(by.answer(&self.desk, &session));
        match self.store.commit_session_creation(&SessionCreation { session: session.clone(), change }).await {
            Ok(()) => Ok(session),
            Err(CommitError::Full { held }) => Err(CreateSessionError::Full { running: held, limit }),
            Err(error) => Err(error.into()),
        }
    }

    /// Who may, before whether it is there: to nobody else does it make a difference. That the profile is still there when the
    /// session is committed is what the guard sees to: a deletion moves the revision.
    async fn profile_of_the_owner(
        &self,
        by: &Permit<CreateSession>,
        id: ProfileId,
    ) -> Result<Profile, CreateSessionError> {
        if by.access().standing != Standing::Owner {
            return Err(CreateSessionError::OwnersProfile);
        }
        let found = self.profiles.profile(by.workspace(), id).await?;
        found.filter(Profile::is_there).ok_or(CreateSessionError::NoProfile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{Access, Credential},
        change::{Cap, MaybeStale as _, Revision},
        id::ApiKeyId,
        policy::{Role, Scope, ScopeSet},
        profile::MockProfileStore,
        session::{MockSessionStore, Purpose},
        testing::{desk, people},
        tier::Tier,
    };
    use rstest::rstest;
    use std::sync::Arc;

    fn sessions(store: MockSessionStore, profiles: MockProfileStore) -> Sessions {
        Sessions::new(Arc::new(store), Arc::new(profiles), desk())
    }

    fn on(profile: ProfileId) -> SessionOrder {
        SessionOrder { profile: Some(profile), ..SessionOrder::default() }
    }

    fn profile() -> Profile {
        Profile { archetype: "iphone".parse().unwrap(), ..people::profile() }
    }

    /// Ada acts on the account of Olive, which is on this tier.
    fn ada_at_olives(tier: Tier) -> Permit<CreateSession> {
        let scopes = ScopeSet::of(&[Scope::AccountOwner]);
        let ada = Access::at_home(people::ADA, Credential::Session(people::SESSION), scopes);
        let access = ada.acting_on(people::OLIVE, Role::Admin);
        Permit::unchecked(Access { workspace_tier: tier, workspace_revision: Revision(7), ..access })
    }

    #[tokio::test]
    async fn it_counts_on_the_owner_of_the_workspace() {
        let mut store = MockSessionStore::new();
        let cap = Cap { account: people::OLIVE, of: Capped::Sessions, most: 24 };
        let expected = move |it: &SessionCreation| {
            let guard = &it.change.guard;
            guard.cap() == Some(&cap)
                && guard.accounts() == [(people::OLIVE, Revision(7)), (people::ADA, Revision(0))]
                && it.change.effects.audit.iter().all(|entry| entry.account == people::OLIVE)
        };
        store.expect_commit_session_creation().times(1).withf(expected).returning(|_| Ok(()));
        let by = ada_at_olives(Tier::ApiScale);
        let session = sessions(store, MockProfileStore::new()).create(&by, SessionOrder::default()).await.unwrap();
        assert_eq!((session.account, session.created_by), (people::OLIVE, people::ADA));
        assert_eq!((session.archetype.as_str(), session.purpose), ("default", Purpose::Customer));
    }

    #[tokio::test]
    async fn where_there_is_no_room_it_says_how_many_there_are() {
        let mut store = MockSessionStore::new();
        store.expect_commit_session_creation().returning(|_| Err(CommitError::Full { held: 9 }));
        let by = ada_at_olives(Tier::AgencyManual);
        let full = sessions(store, MockProfileStore::new()).create(&by, SessionOrder::default()).await.unwrap_err();
        assert!(matches!(full, CreateSessionError::Full { running: 9, limit: 8 }), "{full}");
        assert!(!full.is_stale(), "nobody tries again by themselves");
    }

    #[tokio::test]
    async fn a_session_takes_after_its_profile_unless_told() {
        for (wanted, archetype) in [(None, "iphone"), (Some("pixel"), "pixel")] {
            let (mut store, mut profiles) = (MockSessionStore::new(), MockProfileStore::new());
            profiles.expect_profile().returning(|_, _| Ok(Some(profile())));
            store.expect_commit_session_creation().returning(|_| Ok(()));
            let order = SessionOrder { archetype: wanted.map(|it| it.parse().unwrap()), ..on(profile().id) };
            let session = sessions(store, profiles).create(&people::permit(), order).await.unwrap();
            assert_eq!((session.archetype.as_str(), session.profile), (archetype, Some(profile().id)));
            assert_eq!(session.metadata, profile().metadata);
        }
    }

    #[tokio::test]
    async fn a_profile_that_is_not_there_is_not_found() {
        for seen in [None, Some(Profile { deleted_at: Some(people::NOW), ..profile() })] {
            let mut profiles = MockProfileStore::new();
            profiles.expect_profile().returning(move |_, _| Ok(seen.clone()));
            let refused = sessions(MockSessionStore::new(), profiles).create(&people::permit(), on(profile().id)).await;
            assert!(matches!(refused, Err(CreateSessionError::NoProfile)));
        }
    }

    /// The mocks answer nothing: whoever asks them fails.
    #[rstest]
    #[case::an_admin_at_the_owners(ada_at_olives(Tier::ApiScale))]
    #[case::a_key_that_an_admin_minted(Permit::unchecked(Access {
        hands: people::ADA,
        standing: Standing::Admin,
        credential: Credential::Key(ApiKeyId::new(people::uuid(1))),
        ..*people::permit::<CreateSession>().access()
    }))]
    #[tokio::test]
    async fn a_profile_is_the_owners_alone_to_launch(#[case] by: Permit<CreateSession>) {
        let nobody_is_asked = sessions(MockSessionStore::new(), MockProfileStore::new());
        let refused = nobody_is_asked.create(&by, on(profile().id)).await;
        assert!(matches!(refused, Err(CreateSessionError::OwnersProfile)));
    }
}
