//! An S3 that is away, answers nonsense, or says nothing at all.

use std::time::{Duration, Instant};

use driftstack_blob::S3Blobs;
use driftstack_domain::avatar::BlobStore as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    contract::png,
    s3::open,
    server::{BUCKET, SECRET},
};

/// A server that reads a little of each request and then says this.
async fn saying(answer: &'static str) -> S3Blobs {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            open.push(stream);
        }
    });
    opened(&address.to_string())
}

fn opened(address: &str) -> S3Blobs {
    open(&format!("s3://{BUCKET}?endpoint=http://{address}"), SECRET).answer_within(Duration::from_millis(500))
}

/// None of the calls succeeds, and none takes long. What the first one says.
async fn failure(blobs: S3Blobs) -> String {
    let begun = Instant::now();
    let why = blobs.put(png(), vec![1; 100_000]).await.unwrap_err().to_string();
    assert!(blobs.remove(png()).await.is_err() && blobs.ping().await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(!why.contains("Signature="), "{why}");
    why
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens() {
    let why = failure(opened("127.0.0.1:1")).await;
    assert!(why.contains("refused"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_500() {
    let answer =
        "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 43\r\n\r\n<Error><Code>InternalError</Code>…</Error>";
    assert_eq!(failure(saying(answer).await).await, "the blob store: put: S3 answers 500 InternalError");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_nothing() {
    let why = failure(saying("").await).await;
    assert!(why.contains("no answer in 500ms"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_in_the_middle_of_an_answer() {
    let why = failure(saying("HTTP/1.1 503 Slow Down\r\ncontent-length: 1000\r\n\r\n").await).await;
    assert_eq!(why, "the blob store: put: no answer in 500ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_another_language() {
    failure(saying("220 mail.example.com ESMTP\r\n").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_sends_us_elsewhere() {
    let why =
        failure(saying("HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await).await;
    assert_eq!(why, "the blob store: put: S3 answers 307");
}
