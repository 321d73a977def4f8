//! Where pictures are kept: the domain's `BlobStore`, in a folder or behind S3.
//!
//! * [`FolderBlobs`] writes files, and signs URLs that the service itself answers.
//! * [`S3Blobs`] speaks to S3 or to what is like it, such as R2, and signs URLs that go there directly.

mod folder;
mod s3;

pub use folder::{FolderBlobs, Refused, Ticket};
pub use s3::{OpenError, S3Blobs, S3Credentials, S3Url, S3UrlError};
