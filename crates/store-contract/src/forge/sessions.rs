//! Sessions, and the profiles that they run on.

use std::sync::Arc;

use driftstack_domain::{
    access::Permit,
    desk::Desk,
    policy::action::{DeleteProfile, DestroySession, UpdateProfile},
    profile::{MockProfileStore, Profile, ProfileDeletion, ProfilePatch, ProfileUpdate, Profiles},
    session::{MockSessionStore, Session, SessionDestruction, Sessions},
    testing::people,
};

use super::Caught;

/// The end of a session that seems to run.
pub async fn session_destruction(desk: &Desk, by: &Permit<DestroySession>, seen: Session) -> SessionDestruction {
    let (mut store, caught) = (MockSessionStore::new(), Caught::nothing());
    let id = seen.id;
    store.expect_session().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_session_destruction().returning(caught.catch());
    Sessions::new(Arc::new(store), Arc::new(MockProfileStore::new()), desk.clone()).destroy(by, id).await.unwrap();
    caught.take()
}

/// Another name for a profile that seems to be there.
pub async fn profile_update(desk: &Desk, by: &Permit<UpdateProfile>, seen: Profile) -> ProfileUpdate {
    let (mut store, caught) = (MockProfileStore::new(), Caught::nothing());
    let (id, patch) = (seen.id, ProfilePatch { name: Some(people::name("other")), ..ProfilePatch::default() });
    store.expect_profile().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_profile_update().returning(caught.catch());
    Profiles::new(Arc::new(store), desk.clone()).update(by, id, patch).await.unwrap();
    caught.take()
}

/// The deletion of a profile that seems to be there, with nothing that runs on it.
pub async fn profile_deletion(desk: &Desk, by: &Permit<DeleteProfile>, seen: Profile) -> ProfileDeletion {
    let (mut store, caught) = (MockProfileStore::new(), Caught::nothing());
    let id = seen.id;
    store.expect_profile().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_running_on().returning(|_, _| Ok(None));
    store.expect_commit_profile_deletion().returning(caught.catch());
    Profiles::new(Arc::new(store), desk.clone()).delete(by, id).await.unwrap();
    caught.take()
}
