//! Pointing at another picture, or at none.

use super::{Avatars, SWEEP_GRACE, noun::AvatarKey, upload::Uploaded};
use crate::{
    access::Permit,
    audit::{AuditAction, AuditDraft},
    change::{Change, CommitError, Effects, commits},
    id::AccountId,
    policy::action::{RemoveAvatar, UploadAvatar},
    time::Timestamp,
};

/// An account that points at another picture.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AvatarChange {
    pub account: AccountId,
    pub before: Option<AvatarKey>,
    pub after: Option<AvatarKey>,
    pub at: Timestamp,
    /// When `before` may be swept away.
    pub sweep_at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeAvatarError {
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(ChangeAvatarError);

impl Avatars {
    /// Has the caller's account point at a picture that was uploaded for it.
    pub async fn wear(&self, by: &Permit<UploadAvatar>, it: &Uploaded) -> Result<(), ChangeAvatarError> {
        let before = self.store.seen_avatar(by.workspace()).await?;
        let entry = self
            .desk
            .audit(by, AuditAction::AvatarUpdated)
            .on(by.workspace())
            .with("content_type", it.key.content_type().as_str())
            .with("bytes", it.bytes);
        self.point(by, before, Some(it.key), entry).await
    }

    /// Has it point at none. Removing it twice is removing it once.
    pub async fn remove(&self, by: &Permit<RemoveAvatar>) -> Result<(), ChangeAvatarError> {
        let account = by.workspace();
        let Some(before) = self.store.seen_avatar(account).await? else { return Ok(()) };
        let entry = self.desk.audit(by, AuditAction::AvatarRemoved).on(account);
        self.point(by, Some(before), None, entry).await
    }

    async fn point<A>(
        &self,
        by: &Permit<A>,
        before: Option<AvatarKey>,
        after: Option<AvatarKey>,
        entry: AuditDraft,
    ) -> Result<(), ChangeAvatarError> {
        let at = self.desk.now();
        let it = AvatarChange {
            account: by.workspace(),
            before,
            after,
            at,
            sweep_at: at.plus(SWEEP_GRACE),
            change: Change::new(by, Effects::audited(entry)),
        };
        Ok(self.store.commit_avatar(&it).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        avatar::{MockAvatarStore, MockPictures, PictureType},
        change::MaybeStale as _,
        id::AvatarId,
        testing::{desk, people},
    };
    use std::sync::Arc;

    fn avatars(store: MockAvatarStore) -> Avatars {
        Avatars::new(Arc::new(store), None, Arc::new(MockPictures::new()), desk())
    }

    fn seeing(before: Option<AvatarKey>) -> MockAvatarStore {
        let mut store = MockAvatarStore::new();
        store.expect_seen_avatar().returning(move |_| Ok(before));
        store
    }

    fn uploaded() -> Uploaded {
        let key = AvatarKey::new(AvatarId::new(people::uuid(0x60)), PictureType::Jpeg);
        Uploaded { key, bytes: 7 }
    }

    #[tokio::test]
    async fn the_new_picture_takes_the_place_of_the_old_one() {
        let mut store = seeing(Some(people::avatar()));
        let right = |it: &AvatarChange| {
            let entry = &it.change.effects.audit[0];
            (it.account, it.before, it.after) == (people::OLIVE, Some(people::avatar()), Some(uploaded().key))
                && it.sweep_at == people::NOW.plus(SWEEP_GRACE)
                && entry.action == AuditAction::AvatarUpdated
                && entry.payload["content_type"] == "image/jpeg"
                && entry.payload["bytes"] == 7
        };
        store.expect_commit_avatar().times(1).withf(right).returning(|_| Ok(()));
        avatars(store).wear(&people::permit(), &uploaded()).await.unwrap();
    }

    #[tokio::test]
    async fn a_stale_change_is_said_to_be() {
        let mut store = seeing(None);
        store.expect_commit_avatar().returning(|_| Err(CommitError::Stale));
        assert!(avatars(store).wear(&people::permit(), &uploaded()).await.unwrap_err().is_stale());
    }

    #[tokio::test]
    async fn an_avatar_is_removed_once() {
        for (before, commits) in [(Some(people::avatar()), 1), (None, 0)] {
            let mut store = seeing(before);
            let right = |it: &AvatarChange| {
                it.after.is_none() && it.change.effects.audit[0].action == AuditAction::AvatarRemoved
            };
            store.expect_commit_avatar().times(commits).withf(right).returning(|_| Ok(()));
            avatars(store).remove(&people::permit()).await.unwrap();
        }
    }
}
