use std::{
    fs::{DirBuilder, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use driftstack_domain::{
    avatar::{AvatarKey, BlobError, BlobStore},
    secret::Signatures,
    time::Timestamp,
};
use tokio::task::spawn_blocking;

/// Keeps blobs in a folder, which its owner only may read. Whoever serves [`FolderBlobs::PATH`] calls [`FolderBlobs::read`].
pub struct FolderBlobs {
    folder: PathBuf,
    /// Without a slash at its end.
    base: String,
    signatures: Arc<dyn Signatures>,
}

/// What a URL says besides the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket<'a> {
    /// Unix seconds.
    pub expires: i64,
    pub signature: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// One answer for both: which of them it was is nobody's business.
    #[error("this URL has expired, or it was changed; ask for a new one")]
    Ticket,
    #[error("what was here is gone")]
    Gone,
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

impl FolderBlobs {
    /// What the path of every URL begins with; the object follows.
    pub const PATH: &'static str = "/blobs";

    /// The folder is made when the first blob is put. `base` is where the service is reached.
    pub fn new(folder: impl Into<PathBuf>, base: &str, signatures: Arc<dyn Signatures>) -> Self {
        Self { folder: folder.into(), base: base.trim_end_matches('/').to_owned(), signatures }
    }

    /// The bytes, for whoever shows a good ticket.
    pub async fn read(&self, key: AvatarKey, ticket: Ticket<'_>, now: Timestamp) -> Result<Vec<u8>, Refused> {
        let signed = self.signatures.is_signed(&signed_text(key, ticket.expires), ticket.signature);
        if !signed || ticket.expires <= now.unix_seconds() {
            return Err(Refused::Ticket);
        }
        let path = self.path(key);
        match self.blocking(move || std::fs::read(path)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Refused::Gone),
            read => Ok(read.map_err(|error| failed("read", &error))?),
        }
    }

    fn path(&self, key: AvatarKey) -> PathBuf {
        self.folder.join(key.object())
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        spawn_blocking(work).await.map_err(io::Error::other)?
    }
}

/// With a purpose, as other things may be signed with the same keys.
fn signed_text(key: AvatarKey, expires: i64) -> String {
    format!("driftstack blob 1\n{}\n{expires}", key.object())
}

/// The path is for the log; it is the operator's own.
fn failed(what: &str, error: &io::Error) -> BlobError {
    tracing::warn!(%error, what, "the folder of blobs");
    BlobError(format!("cannot {what}: {error}"))
}

#[async_trait]
impl BlobStore for FolderBlobs {
    async fn put(&self, key: AvatarKey, bytes: Vec<u8>) -> Result<(), BlobError> {
        let path = self.path(key);
        self.blocking(move || write(&path, &bytes)).await.map_err(|error| failed("write", &error))
    }

    async fn remove(&self, key: AvatarKey) -> Result<(), BlobError> {
        let path = self.path(key);
        match self.blocking(move || std::fs::remove_file(path)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|error| failed("remove", &error)),
        }
    }

    fn read_url(&self, key: AvatarKey, from: Timestamp, life: Duration) -> String {
        let expires = from.plus(life).unix_seconds();
        let signature = self.signatures.sign(&signed_text(key, expires));
        format!("{}{}/{}?expires={expires}&signature={signature}", self.base, Self::PATH, key.object())
    }

    async fn ping(&self) -> Result<(), BlobError> {
        let folder = self.folder.clone();
        let writable = self.blocking(move || {
            private_folder().recursive(true).create(&folder)?;
            tempfile::Builder::new().prefix(".ping-").tempfile_in(folder).map(drop)
        });
        writable.await.map_err(|error| failed("write", &error))
    }
}

/// Whole or not at all, and there after a crash.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    private_folder().recursive(true).create(folder)?;
    // A temporary file is made with mode 0600.
    let mut file = tempfile::Builder::new().prefix(".blob-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

fn private_folder() -> DirBuilder {
    let mut folder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder
}
