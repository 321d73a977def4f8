//! An S3 that will not do as it is asked: the call says so soon, and nothing has changed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use driftstack::{system::SystemClock, wire::Blobs};
use driftstack_blob::{S3Blobs, S3Credentials};
use driftstack_domain::time::HOUR;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{AVATAR, body, pictures::png, sweep};
use crate::fixture::House;

/// A service whose pictures are behind a server that says this to everything.
async fn house_behind(answer: &'static str) -> House {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("s3://pictures?endpoint=http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            open.push(stream);
        }
    });
    let credentials = S3Credentials { access_key_id: "id".to_owned(), secret_access_key: "secret".into() };
    let blobs = S3Blobs::open(url.parse().unwrap(), &credentials, Arc::new(SystemClock)).unwrap();
    let blobs = Arc::new(blobs.answer_within(Duration::from_millis(400)));
    House::open_with(|parts| parts.blobs = Blobs::Elsewhere(blobs)).await
}

async fn nothing_is_kept(answer: &'static str) {
    let house = house_behind(answer).await;
    let olive = house.person("olive").await;
    let begun = Instant::now();
    let refused = olive.post(AVATAR, body(&png(), "image/png")).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(refused.header("retry-after"), "1");
    assert!(!refused.text.contains("S3") && !refused.text.contains("127.0.0.1"), "{}", refused.text);
    refused.refused(503, "unavailable");
    let me = olive.get("/v1/account/me").await.expect(200);
    assert_eq!((&me["avatar_url"], &me["avatar_source"]), (&Value::Null, &json!("none")));
    assert!(!olive.log().await.iter().any(|action| action.starts_with("account.avatar")));
    // All else works, and says what does not.
    assert_eq!(house.get("/readyz").await.expect(200), json!({ "status": "ready", "pictures": "away" }));
    // Whether anything lies there is not known, so it is swept until that succeeds.
    house.pass(HOUR);
    assert_eq!(house.services.sweeper.as_ref().unwrap().round().await.unwrap().failed, 1);
    assert_eq!(sweep(&house).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_that_fails_is_503() {
    nothing_is_kept("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_that_hangs_is_503() {
    nothing_is_kept("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_that_takes_it_is_where_the_url_leads() {
    let house = house_behind("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let olive = house.person("olive").await;
    let avatar = olive.post(AVATAR, body(&png(), "image/png")).await.expect(200);
    let url = avatar["avatar_url"].as_str().unwrap();
    assert!(url.contains("/pictures/avatars/") && url.contains("X-Amz-Expires=3600"), "{url}");
    let path = url.splitn(4, '/').nth(3).unwrap().split_once("avatars/").unwrap().1;
    assert_eq!(house.get(&format!("/blobs/avatars/{path}")).await.status, 404, "the service serves nothing itself");
}
