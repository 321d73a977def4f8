//! Avatars: the picture of an account.
//!
//! The bytes lie in a [`BlobStore`], where no transaction reaches. So the rows lead: a picture is noted before it is put there,
//! and an account points at it afterwards. Whatever is noted and pointed at by nobody is swept away in the end, also what a
//! crash left behind between the two.

mod change;
mod noun;
mod port;
mod sweep;
mod upload;

pub use change::{AvatarChange, ChangeAvatarError};
pub use noun::{AvatarKey, AvatarKeyError, CleanPicture, PictureSizeError, PictureType, PictureTypeError, SentPicture};
pub use port::{AvatarStore, BlobError, BlobStore, NotedUpload, PictureError, PictureRefused, Pictures};
#[cfg(feature = "testing")]
pub use port::{MockAvatarStore, MockBlobStore, MockPictures};
pub use sweep::{SweepRound, Sweeper};
pub use upload::{UploadError, Uploaded};

use std::{sync::Arc, time::Duration};

use crate::{desk::Desk, time::HOUR};

/// The URL of an avatar works for so long.
pub const AVATAR_URL_LIFE: Duration = HOUR;

/// A picture that nobody points at stays for so long: until the last URL of it has expired, and far longer than an upload takes.
pub const SWEEP_GRACE: Duration = HOUR;

/// The avatars of accounts.
pub struct Avatars {
    store: Arc<dyn AvatarStore>,
    /// `None`: this deployment keeps no pictures.
    blobs: Option<Arc<dyn BlobStore>>,
    pictures: Arc<dyn Pictures>,
    desk: Desk,
}

impl Avatars {
    pub fn new(
        store: Arc<dyn AvatarStore>,
        blobs: Option<Arc<dyn BlobStore>>,
        pictures: Arc<dyn Pictures>,
        desk: Desk,
    ) -> Self {
        Self { store, blobs, pictures, desk }
    }

    /// Where the picture can be read for the next hour; `None` where no pictures are kept.
    pub fn url(&self, key: AvatarKey) -> Option<String> {
        self.blobs.as_ref().map(|blobs| blobs.read_url(key, self.desk.now(), AVATAR_URL_LIFE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{desk, people};

    #[test]
    fn without_a_blob_store_there_is_no_url() {
        let avatars =
            |blobs| Avatars::new(Arc::new(MockAvatarStore::new()), blobs, Arc::new(MockPictures::new()), desk());
        assert_eq!(avatars(None).url(people::avatar()), None);
        let mut blobs = MockBlobStore::new();
        blobs
            .expect_read_url()
            .withf(|_, from, life| (*from, *life) == (people::NOW, HOUR))
            .returning(|key, _, _| key.to_string());
        assert_eq!(avatars(Some(Arc::new(blobs))).url(people::avatar()), Some(people::avatar().to_string()));
    }
}
