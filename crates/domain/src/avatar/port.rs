use std::time::Duration;

use async_trait::async_trait;

use super::{
    change::AvatarChange,
    noun::{AvatarKey, CleanPicture, PictureType, SentPicture},
};
use crate::{
    change::{CommitError, StoreError},
    id::AccountId,
    time::Timestamp,
};

/// A picture that is about to be put into the blob store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotedUpload {
    pub key: AvatarKey,
    pub account: AccountId,
    /// From then on it is swept away, unless an account points at it.
    pub sweep_at: Timestamp,
}

/// Which pictures there are, and who points at them.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AvatarStore: Send + Sync {
    async fn note_upload(&self, it: &NotedUpload) -> Result<(), StoreError>;

    /// What the account points at.
    async fn seen_avatar(&self, account: AccountId) -> Result<Option<AvatarKey>, StoreError>;

    /// MUST be `Stale` unless the account still points at `before`, and `after` was noted for it and never claimed by a sweep.
    ///
    /// From then on `after` is not swept, and `before` is from `sweep_at` on.
    async fn commit_avatar(&self, it: &AvatarChange) -> Result<(), CommitError>;

    /// Takes up to `limit` pictures that nobody points at and that are due at `now`; nobody else gets them before `until`.
    ///
    /// MUST claim atomically, and no account may point at what was claimed ever again.
    async fn claim_unworn(&self, now: Timestamp, until: Timestamp, limit: u16) -> Result<Vec<AvatarKey>, StoreError>;

    /// The picture is in the blob store no more. MUST NOT forget one that was not claimed.
    async fn forget_picture(&self, key: AvatarKey) -> Result<(), StoreError>;
}

/// The blob store could not do it, or it is not known whether it did. What it says is for the log, never for a caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the blob store: {0}")]
pub struct BlobError(pub String);

/// Keeps bytes under a key, and lets whoever has the right URL read them.
///
/// An implementation MUST answer within seconds, whatever becomes of what is behind it.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// MUST return `Ok` only when the bytes will survive a crash.
    async fn put(&self, key: AvatarKey, bytes: Vec<u8>) -> Result<(), BlobError>;

    /// MUST be `Ok` when there is nothing.
    async fn remove(&self, key: AvatarKey) -> Result<(), BlobError>;

    /// A URL that reads the bytes, as what the key says they are, from `from` on for `life`, without a credential.
    ///
    /// MUST NOT ask anybody. A URL that was changed in any part, or has expired, MUST read nothing.
    fn read_url(&self, key: AvatarKey, from: Timestamp, life: Duration) -> String;

    /// Whether it answers, and would take something.
    async fn ping(&self) -> Result<(), BlobError>;
}

/// Why bytes are no picture that is taken. For the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureRefused {
    #[error("these bytes are no PNG, JPEG or WebP picture")]
    NoPicture,
    #[error("these bytes are `{is}`; say so, or send the picture that was meant")]
    AnotherType { is: PictureType },
    #[error("the picture ends early; send the whole file")]
    Truncated,
    #[error("{bytes} bytes follow after the end of the picture; save it anew and send the picture alone")]
    Trailing { bytes: usize },
    #[error("too many pixels; a picture has at most {max_side} on a side and {max_pixels} in all, so scale it down")]
    TooLarge { max_side: u32, max_pixels: u32 },
    #[error("the picture is damaged, or of a kind that cannot be read; save it anew and send that")]
    Unreadable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error(transparent)]
    Refused(PictureRefused),
    /// Too many wait. The caller may try again later.
    #[error("too many pictures are waiting")]
    Busy,
}

/// Makes a clean picture of bytes that a stranger sent.
///
/// An implementation MUST work on a bounded pool and with bounded memory, whatever the bytes say. It MUST refuse what is not
/// wholly and only a picture of the type that it was sent as. What it writes MUST hold the pixels, the right way up, and no
/// metadata.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Pictures: Send + Sync {
    async fn clean(&self, sent: SentPicture, says: PictureType) -> Result<CleanPicture, PictureError>;
}
