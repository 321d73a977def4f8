//! The contract of a blob store on a folder and on S3, and what is each one's own.

// Test code outside a `#[test]`, where clippy does not see that it is one.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod contract;
mod faults;
mod folder;
mod s3;
mod server;

use folder::in_a_folder;
use s3::behind_s3;

blob_contract!(on_a_folder, in_a_folder);
blob_contract!(on_s3, behind_s3);
