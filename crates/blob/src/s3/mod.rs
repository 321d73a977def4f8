//! S3, and what is like it.

mod blobs;
mod refusal;
mod url;

pub use blobs::{OpenError, S3Blobs};
pub use url::{S3Credentials, S3Url, S3UrlError};
