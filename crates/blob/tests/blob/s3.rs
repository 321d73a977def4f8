//! S3, with a server that really verifies.

use std::sync::Arc;

use async_trait::async_trait;
use driftstack_blob::{S3Blobs, S3Credentials};
use driftstack_domain::{
    avatar::{BlobError, BlobStore},
    time::{Clock, HOUR, Timestamp},
};
use reqwest::{Client, Method};

use crate::{
    contract::{Backend, Fetched, ago, now, png},
    server::{BUCKET, DOMAIN, KEY_ID, SECRET, Server},
};

pub(crate) struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        now()
    }
}

pub(crate) struct Bucket {
    blobs: Arc<S3Blobs>,
    server: Server,
}

pub(crate) fn open(url: &str, secret: &str) -> S3Blobs {
    let credentials = S3Credentials { access_key_id: KEY_ID.to_owned(), secret_access_key: secret.into() };
    S3Blobs::open(url.parse().unwrap(), &credentials, Arc::new(RealClock)).unwrap()
}

pub(crate) async fn behind_s3() -> Bucket {
    let server = Server::start().await;
    Bucket { blobs: Arc::new(open(&server.url(), SECRET)), server }
}

/// What a URL answers to somebody with nothing but the URL.
async fn fetch(client: &Client, url: &str) -> Fetched {
    let response = client.get(url).send().await.unwrap();
    match response.status().as_u16() {
        200 => {
            let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
            Fetched::Bytes { content_type, bytes: response.bytes().await.unwrap().to_vec() }
        }
        404 => Fetched::Gone,
        // The last one is for an algorithm that nobody knows.
        400 | 403 | 501 => Fetched::Refused,
        other => panic!("{other}"),
    }
}

#[async_trait]
impl Backend for Bucket {
    fn blobs(&self) -> Arc<dyn BlobStore> {
        self.blobs.clone()
    }

    async fn fetch(&self, url: &str) -> Fetched {
        fetch(&Client::new(), url).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_kept_so_that_a_browser_cannot_run_it() {
    let bucket = behind_s3().await;
    bucket.blobs.put(png(), b"bytes".to_vec()).await.unwrap();
    let response = reqwest::get(bucket.blobs.read_url(png(), now(), HOUR)).await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((header("content-type"), header("content-disposition")), ("image/png".into(), "attachment".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_reads_does_not_write() {
    let bucket = behind_s3().await;
    bucket.blobs.put(png(), b"bytes".to_vec()).await.unwrap();
    let url = bucket.blobs.read_url(png(), now(), HOUR);
    for method in [Method::PUT, Method::DELETE, Method::POST] {
        let answer = Client::new().request(method.clone(), &url).body("other").send().await.unwrap();
        assert!(answer.status().is_client_error(), "{method}: {}", answer.status());
    }
    assert!(matches!(bucket.fetch(&url).await, Fetched::Bytes { bytes, .. } if bytes == b"bytes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_does_nothing() {
    let bucket = behind_s3().await;
    bucket.blobs.put(png(), b"bytes".to_vec()).await.unwrap();
    let stranger = open(&bucket.server.url(), "another-secret");
    let refused = |outcome: Result<(), BlobError>| outcome.unwrap_err().to_string();
    let why = refused(stranger.put(png(), b"other".to_vec()).await);
    assert_eq!(why, "the blob store: put: S3 answers 403 SignatureDoesNotMatch");
    assert!(refused(stranger.remove(png()).await).contains("403"));
    assert!(refused(stranger.ping().await).contains("403"));
    assert_eq!(bucket.fetch(&stranger.read_url(png(), now(), HOUR)).await, Fetched::Refused);
    let url = bucket.blobs.read_url(png(), now(), HOUR);
    assert!(matches!(bucket.fetch(&url).await, Fetched::Bytes { bytes, .. } if bytes == b"bytes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_said_not_to_be() {
    let server = Server::start().await;
    let blobs = open(&server.url().replace(BUCKET, "elsewhere"), SECRET);
    assert!(blobs.ping().await.is_err());
    // Nothing is known of what lies there, so nothing was removed.
    let why = blobs.remove(png()).await.unwrap_err().to_string();
    assert_eq!(why, "the blob store: remove: S3 answers 404 NoSuchBucket");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_may_be_called_by_its_host() {
    let bucket = behind_s3().await;
    bucket.blobs.put(png(), b"bytes".to_vec()).await.unwrap();
    let port = bucket.server.address.port();
    let by_host = open(&format!("s3://{BUCKET}?endpoint=http://{DOMAIN}:{port}&style=virtual-host"), SECRET);
    let url = by_host.read_url(png(), now(), HOUR);
    assert!(url.starts_with(&format!("http://{BUCKET}.{DOMAIN}:{port}/avatars/")), "{url}");
    let client = Client::builder().resolve(&format!("{BUCKET}.{DOMAIN}"), bucket.server.address).build().unwrap();
    assert!(matches!(fetch(&client, &url).await, Fetched::Bytes { bytes, .. } if bytes == b"bytes"));
    let over = by_host.read_url(png(), ago(HOUR * 2), HOUR);
    assert_eq!(fetch(&client, &over).await, Fetched::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_asks_nobody_and_prints_no_secret() {
    // Nobody listens there.
    let blobs = open("s3://pictures?endpoint=http://127.0.0.1:1", SECRET);
    let url = blobs.read_url(png(), now(), HOUR);
    assert!(url.contains("X-Amz-Expires=3600") && url.contains("X-Amz-Signature="), "{url}");
    assert!(!url.contains(SECRET) && !format!("{blobs:?}").contains(SECRET));
    let credentials = S3Credentials { access_key_id: KEY_ID.to_owned(), secret_access_key: SECRET.into() };
    assert!(!format!("{credentials:?}").contains(SECRET));
}
