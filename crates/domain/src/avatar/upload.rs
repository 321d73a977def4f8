//! Putting a picture into the blob store, before anybody points at it.

use super::{
    Avatars, SWEEP_GRACE,
    noun::{AvatarKey, PictureType, SentPicture},
    port::{BlobError, NotedUpload, PictureError, PictureRefused},
};
use crate::{access::Permit, change::StoreError, id::AvatarId, policy::action::UploadAvatar};

/// A clean picture in the blob store. Until the account that it was noted for points at it, it is an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploaded {
    pub(super) key: AvatarKey,
    pub(super) bytes: usize,
}

impl Uploaded {
    pub const fn key(&self) -> AvatarKey {
        self.key
    }

    /// As it lies in the blob store.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("this deployment keeps no pictures")]
    NotConfigured,
    #[error(transparent)]
    Refused(PictureRefused),
    #[error("too many pictures are waiting")]
    Busy,
    #[error(transparent)]
    Blobs(#[from] BlobError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PictureError> for UploadError {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Refused(why) => Self::Refused(why),
            PictureError::Busy => Self::Busy,
        }
    }
}

impl Avatars {
    /// Cleans the picture, notes it, and puts it into the blob store, in this order: killed anywhere, what lies there is known.
    pub async fn upload(
        &self,
        by: &Permit<UploadAvatar>,
        sent: SentPicture,
        says: PictureType,
    ) -> Result<Uploaded, UploadError> {
        let blobs = self.blobs.as_ref().ok_or(UploadError::NotConfigured)?;
        let picture = self.pictures.clean(sent, says).await?;
        let it = Uploaded {
            key: AvatarKey::new(AvatarId::new(self.desk.ids.next()), picture.content_type),
            bytes: picture.bytes.len(),
        };
        let sweep_at = self.desk.now().plus(SWEEP_GRACE);
        self.store.note_upload(&NotedUpload { key: it.key, account: by.workspace(), sweep_at }).await?;
        blobs.put(it.key, picture.bytes).await?;
        Ok(it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        avatar::{CleanPicture, MockAvatarStore, MockBlobStore, MockPictures},
        testing::{desk, people},
    };
    use mockall::Sequence;
    use std::sync::Arc;

    fn sent() -> SentPicture {
        SentPicture::new(b"sent".to_vec()).unwrap()
    }

    fn pictures(answer: Result<(), PictureError>) -> MockPictures {
        let mut pictures = MockPictures::new();
        pictures
            .expect_clean()
            .returning(move |_, content_type| answer.map(|()| CleanPicture { content_type, bytes: b"clean".to_vec() }));
        pictures
    }

    async fn upload(
        store: MockAvatarStore,
        blobs: MockBlobStore,
        pictures: MockPictures,
    ) -> Result<Uploaded, UploadError> {
        let avatars = Avatars::new(Arc::new(store), Some(Arc::new(blobs)), Arc::new(pictures), desk());
        avatars.upload(&people::permit(), sent(), PictureType::WebP).await
    }

    #[tokio::test]
    async fn a_picture_is_noted_before_it_is_put() {
        let mut order = Sequence::new();
        let (mut store, mut blobs) = (MockAvatarStore::new(), MockBlobStore::new());
        let noted = |it: &NotedUpload| it.account == people::OLIVE && it.sweep_at == people::NOW.plus(SWEEP_GRACE);
        store.expect_note_upload().times(1).in_sequence(&mut order).withf(noted).returning(|_| Ok(()));
        blobs
            .expect_put()
            .times(1)
            .in_sequence(&mut order)
            .withf(|_, bytes| bytes == b"clean")
            .returning(|_, _| Ok(()));
        let uploaded = upload(store, blobs, pictures(Ok(()))).await.unwrap();
        assert_eq!((uploaded.bytes(), uploaded.key().content_type()), (5, PictureType::WebP));
    }

    #[tokio::test]
    async fn what_is_refused_or_waits_too_long_leaves_no_trace() {
        let refused = pictures(Err(PictureError::Refused(PictureRefused::Truncated)));
        let outcome = upload(MockAvatarStore::new(), MockBlobStore::new(), refused).await;
        assert!(matches!(outcome, Err(UploadError::Refused(PictureRefused::Truncated))), "{outcome:?}");
        let busy = upload(MockAvatarStore::new(), MockBlobStore::new(), pictures(Err(PictureError::Busy))).await;
        assert!(matches!(busy, Err(UploadError::Busy)), "{busy:?}");
    }

    #[tokio::test]
    async fn what_cannot_be_noted_is_not_put() {
        let mut store = MockAvatarStore::new();
        store.expect_note_upload().returning(|_| Err(StoreError::Unavailable(String::new())));
        let outcome = upload(store, MockBlobStore::new(), pictures(Ok(()))).await;
        assert!(matches!(outcome, Err(UploadError::Store(_))), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_blob_store_that_is_away_is_said_to_be() {
        let (mut store, mut blobs) = (MockAvatarStore::new(), MockBlobStore::new());
        store.expect_note_upload().returning(|_| Ok(()));
        blobs.expect_put().returning(|_, _| Err(BlobError("away".to_owned())));
        let outcome = upload(store, blobs, pictures(Ok(()))).await;
        assert!(matches!(outcome, Err(UploadError::Blobs(_))), "{outcome:?}");
    }

    #[tokio::test]
    async fn without_a_blob_store_nobody_looks_at_the_picture() {
        let avatars = Avatars::new(Arc::new(MockAvatarStore::new()), None, Arc::new(MockPictures::new()), desk());
        let outcome = avatars.upload(&people::permit(), sent(), PictureType::Png).await;
        assert!(matches!(outcome, Err(UploadError::NotConfigured)), "{outcome:?}");
    }
}
