//! The folder.

use std::{collections::HashMap, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use async_trait::async_trait;
use driftstack_blob::{FolderBlobs, Refused, Ticket};
use driftstack_domain::{
    avatar::BlobStore,
    secret::{Digest, Signatures},
    time::HOUR,
};
use tempfile::TempDir;
use url::Url;

use crate::contract::{Backend, Fetched, now, png};

/// A signature that anybody could make, if they knew the secret.
struct Plain;

impl Signatures for Plain {
    fn sign(&self, text: &str) -> String {
        let digest = Digest::of(&format!("secret {text}"));
        u128::from_be_bytes(*digest.as_bytes().first_chunk().unwrap()).to_string()
    }

    fn is_signed(&self, text: &str, signature: &str) -> bool {
        self.sign(text) == signature
    }
}

pub(crate) struct Folder {
    blobs: Arc<FolderBlobs>,
    folder: TempDir,
}

pub(crate) async fn in_a_folder() -> Folder {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::new(folder.path().join("blobs"), "https://api.example.com/", Arc::new(Plain));
    Folder { blobs: Arc::new(blobs), folder }
}

#[async_trait]
impl Backend for Folder {
    fn blobs(&self) -> Arc<dyn BlobStore> {
        self.blobs.clone()
    }

    async fn fetch(&self, url: &str) -> Fetched {
        let url = Url::parse(url).unwrap();
        let key = url.path().strip_prefix("/blobs/avatars/").unwrap().parse().unwrap();
        let query: HashMap<_, _> = url.query_pairs().collect();
        let (Some(expires), Some(signature)) = (query.get("expires"), query.get("signature")) else {
            return Fetched::Refused;
        };
        let ticket = Ticket { expires: expires.parse().unwrap(), signature };
        match self.blobs.read(key, ticket, now()).await {
            Ok(bytes) => Fetched::Bytes { content_type: key.content_type().to_string(), bytes },
            Err(Refused::Ticket) => Fetched::Refused,
            Err(Refused::Gone) => Fetched::Gone,
            Err(Refused::Blobs(error)) => panic!("{error}"),
        }
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_url_leads_to_the_service() {
    let url = in_a_folder().await.blobs.read_url(png(), now(), HOUR);
    assert!(url.starts_with(&format!("https://api.example.com/blobs/avatars/{}?expires=", png())), "{url}");
}

#[tokio::test]
async fn only_the_owner_may_look_and_nothing_half_done_stays() {
    let backend = in_a_folder().await;
    backend.blobs.put(png(), b"bytes".to_vec()).await.unwrap();
    let folder = backend.folder.path().join("blobs/avatars");
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files, [folder.join(png().to_string())]);
    assert_eq!((mode(&files[0]), mode(&folder), mode(folder.parent().unwrap())), (0o600, 0o700, 0o700));
    backend.blobs.ping().await.unwrap();
    assert_eq!(std::fs::read_dir(backend.folder.path().join("blobs")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_said_to_be_so() {
    let backend = in_a_folder().await;
    std::fs::write(backend.folder.path().join("blobs"), "a file").unwrap();
    let blobs = &backend.blobs;
    assert!(blobs.ping().await.is_err() && blobs.put(png(), b"bytes".to_vec()).await.is_err());
    assert!(blobs.remove(png()).await.is_err());
}
