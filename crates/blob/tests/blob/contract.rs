//! What every blob store must do.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use driftstack_domain::{
    avatar::{AvatarKey, BlobStore, PictureType},
    id::AvatarId,
    testing::people,
    time::{HOUR, Timestamp},
};

/// A blob store, and somebody on the other side of the URLs.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    fn blobs(&self) -> Arc<dyn BlobStore>;

    async fn fetch(&self, url: &str) -> Fetched;
}

/// What somebody without a credential gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    Bytes { content_type: String, bytes: Vec<u8> },
    Refused,
    Gone,
}

/// S3 goes by the clock of its machine.
pub(crate) fn now() -> Timestamp {
    let millis = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    Timestamp::from_millis(millis.try_into().unwrap()).unwrap()
}

pub(crate) fn ago(duration: Duration) -> Timestamp {
    Timestamp::from_millis(now().millis() - i64::try_from(duration.as_millis()).unwrap()).unwrap()
}

pub(crate) fn key(n: u128, content_type: PictureType) -> AvatarKey {
    AvatarKey::new(AvatarId::new(people::uuid(n)), content_type)
}

pub(crate) fn png() -> AvatarKey {
    key(1, PictureType::Png)
}

fn picture(bytes: &[u8]) -> Fetched {
    Fetched::Bytes { content_type: "image/png".to_owned(), bytes: bytes.to_vec() }
}

macro_rules! cases {
    ($($case:ident)+) => {
        /// Runs every case against what `$make` hands out.
        #[macro_export]
        macro_rules! blob_contract {
            ($name:ident, $make:ident) => {
                mod $name {
                    $(
                        #[tokio::test(flavor = "multi_thread")]
                        async fn $case() {
                            $crate::contract::$case(super::$make().await).await;
                        }
                    )+
                }
            };
        }
    };
}

cases! {
    what_was_put_is_read_as_what_it_is
    what_is_put_again_is_replaced
    what_was_removed_is_gone
    a_url_works_to_its_end_and_not_longer
    a_url_that_was_changed_reads_nothing
    a_url_is_for_one_key
    an_empty_bucket_is_ready
}

pub(crate) async fn what_was_put_is_read_as_what_it_is(backend: impl Backend) {
    let (blobs, bytes) = (backend.blobs(), vec![0xa5; 900_000]);
    for (content_type, name) in
        [(PictureType::Png, "image/png"), (PictureType::Jpeg, "image/jpeg"), (PictureType::WebP, "image/webp")]
    {
        let key = key(1, content_type);
        blobs.put(key, bytes.clone()).await.unwrap();
        let fetched = backend.fetch(&blobs.read_url(key, now(), HOUR)).await;
        assert_eq!(fetched, Fetched::Bytes { content_type: name.to_owned(), bytes: bytes.clone() });
    }
}

pub(crate) async fn what_is_put_again_is_replaced(backend: impl Backend) {
    let blobs = backend.blobs();
    for bytes in [b"one".to_vec(), b"two".to_vec()] {
        blobs.put(png(), bytes).await.unwrap();
    }
    assert_eq!(backend.fetch(&blobs.read_url(png(), now(), HOUR)).await, picture(b"two"));
}

pub(crate) async fn what_was_removed_is_gone(backend: impl Backend) {
    let blobs = backend.blobs();
    blobs.put(png(), b"bytes".to_vec()).await.unwrap();
    blobs.put(key(2, PictureType::Png), b"other".to_vec()).await.unwrap();
    for _ in 0..2 {
        blobs.remove(png()).await.unwrap();
    }
    assert_eq!(backend.fetch(&blobs.read_url(png(), now(), HOUR)).await, Fetched::Gone);
    assert_eq!(backend.fetch(&blobs.read_url(key(2, PictureType::Png), now(), HOUR)).await, picture(b"other"));
}

pub(crate) async fn a_url_works_to_its_end_and_not_longer(backend: impl Backend) {
    let blobs = backend.blobs();
    blobs.put(png(), b"bytes".to_vec()).await.unwrap();
    let almost = blobs.read_url(png(), ago(HOUR.saturating_sub(Duration::from_secs(30))), HOUR);
    assert_eq!(backend.fetch(&almost).await, picture(b"bytes"));
    let over = blobs.read_url(png(), ago(HOUR + Duration::from_secs(2)), HOUR);
    assert_eq!(backend.fetch(&over).await, Fetched::Refused);
}

pub(crate) async fn a_url_that_was_changed_reads_nothing(backend: impl Backend) {
    let blobs = backend.blobs();
    blobs.put(png(), b"bytes".to_vec()).await.unwrap();
    let good = url::Url::parse(&blobs.read_url(png(), now(), HOUR)).unwrap();
    let pairs: Vec<(String, String)> = good.query_pairs().into_owned().collect();
    for at in 0..pairs.len() {
        let changes: [fn(&str) -> String; 2] = [longer, other_end];
        for change in changes {
            let mut changed = pairs.clone();
            changed[at].1 = change(&pairs[at].1);
            let mut url = good.clone();
            url.query_pairs_mut().clear().extend_pairs(&changed);
            assert_eq!(backend.fetch(url.as_str()).await, Fetched::Refused, "{url}");
        }
    }
    let bare = good.as_str().split('?').next().unwrap().to_owned();
    assert_eq!(backend.fetch(&bare).await, Fetched::Refused);
    assert_eq!(backend.fetch(good.as_str()).await, picture(b"bytes"));
}

fn longer(text: &str) -> String {
    format!("{text}9")
}

fn other_end(text: &str) -> String {
    let other = if text.ends_with('1') { "2" } else { "1" };
    text.chars().take(text.chars().count() - 1).collect::<String>() + other
}

pub(crate) async fn a_url_is_for_one_key(backend: impl Backend) {
    let blobs = backend.blobs();
    let other = key(2, PictureType::Png);
    for key in [png(), other] {
        blobs.put(key, b"bytes".to_vec()).await.unwrap();
    }
    let url = blobs.read_url(png(), now(), HOUR).replace(&png().to_string(), &other.to_string());
    assert_eq!(backend.fetch(&url).await, Fetched::Refused);
}

pub(crate) async fn an_empty_bucket_is_ready(backend: impl Backend) {
    backend.blobs().ping().await.unwrap();
}
