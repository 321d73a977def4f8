//! Pictures of accounts: over HTTP, on a folder, on S3 and without either.

pub(crate) mod pictures;
mod s3;

use std::time::Duration;

use driftstack::wire::Blobs;
use driftstack_domain::time::HOUR;
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::fixture::{House, Person, fields, send};
use pictures::{jpeg, png, webp};

const AVATAR: &str = "/v1/account/me/avatar";

fn base64(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(bytes)
}

pub(crate) fn body(bytes: &[u8], content_type: &str) -> Value {
    json!({ "data_base64": base64(bytes), "content_type": content_type })
}

/// What somebody with nothing but the URL gets. The tests' service does not know its own address, so only path and query count.
pub(crate) async fn fetch(house: &House, url: &str) -> (u16, HeaderMap, Vec<u8>) {
    let path = url.splitn(4, '/').nth(3).unwrap();
    let response = house.request(Method::GET, &format!("/{path}")).send().await.unwrap();
    (response.status().as_u16(), response.headers().clone(), response.bytes().await.unwrap().to_vec())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Sweeps until nothing is due. How many pictures went.
async fn sweep(house: &House) -> u32 {
    let mut removed = 0;
    loop {
        let round = house.services.sweeper.as_ref().unwrap().round().await.unwrap();
        removed += round.removed;
        if round.removed == 0 {
            return removed;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_is_taken_shown_and_served() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for (bytes, content_type) in [(png(), "image/png"), (jpeg(), "image/jpeg"), (webp(), "image/webp")] {
        let avatar = olive.post(AVATAR, body(&bytes, content_type)).await.expect(200);
        assert_eq!(fields(&avatar), ["avatar_url", "bytes", "content_type"]);
        assert_eq!(avatar["content_type"], content_type);
        let me = olive.get("/v1/account/me").await.expect(200);
        assert_eq!((&me["avatar_url"], &me["avatar_source"]), (&avatar["avatar_url"], &json!("user")));

        let (status, headers, served) = fetch(&house, text(&avatar["avatar_url"])).await;
        assert_eq!((status, served.len()), (200, usize::try_from(avatar["bytes"].as_u64().unwrap()).unwrap()));
        assert_eq!(headers["content-type"], content_type);
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["content-disposition"], "attachment");
        assert_eq!(headers["content-security-policy"], "default-src 'none'; sandbox");
        assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
        assert_eq!(headers["cache-control"], "private, max-age=3600, immutable");
        assert_ne!(served, bytes, "written anew");
        let picture = image::load_from_memory(&served).unwrap();
        assert_eq!((picture.width(), picture.height()), (512, 384));
    }
    assert_eq!(olive.log().await.iter().filter(|action| *action == "account.avatar_updated").count(), 3);
    // An edit answers with it as well.
    let edited = olive.patch("/v1/account/me", json!({ "name": "Olive" })).await.expect(200);
    assert_eq!(edited["avatar_source"], "user");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_avatar_is_gone_from_the_account_at_once_and_from_the_folder_later() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let url = olive.post(AVATAR, body(&png(), "image/png")).await.expect(200)["avatar_url"].clone();
    for _ in 0..2 {
        assert_eq!(olive.delete(AVATAR).await.status, 204);
    }
    let me = olive.get("/v1/account/me").await.expect(200);
    assert_eq!((&me["avatar_url"], &me["avatar_source"]), (&Value::Null, &json!("none")));
    assert_eq!(olive.log().await.iter().filter(|action| *action == "account.avatar_removed").count(), 1);
    assert_eq!((sweep(&house).await, fetch(&house, text(&url)).await.0), (0, 200));
    house.pass(HOUR);
    assert_eq!(sweep(&house).await, 1);
    assert_eq!(fetch(&house, text(&url)).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_url_needs_no_credential_and_nothing_else_opens_it() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let url = olive.post(AVATAR, body(&png(), "image/png")).await.expect(200)["avatar_url"].clone();
    let other = bo.post(AVATAR, body(&png(), "image/png")).await.expect(200)["avatar_url"].clone();
    let (bare, query) = text(&url).split_once('?').unwrap();
    let (other, _) = text(&other).split_once('?').unwrap();
    assert_eq!(fetch(&house, text(&url)).await.0, 200);
    for changed in [
        bare.to_owned(),
        format!("{bare}?"),
        format!("{bare}?expires=9999999999"),
        format!("{bare}?{}", query.replace("expires=1", "expires=2")),
        format!("{bare}?{query}0"),
        format!("{bare}?{query}&expires=9999999999"),
        format!("{other}?{query}"),
        format!("{bare}?expires=x&signature=%00"),
    ] {
        assert_eq!(fetch(&house, &changed).await.0, 403, "{changed}");
    }
    // Whoever has a credential is no better off, and what is not there is not told from what is.
    assert_eq!(olive.get(&format!("/{}", bare.splitn(4, '/').nth(3).unwrap())).await.status, 403);
    let absent = format!("{}0192f0c1-2345-7000-8000-00000000dead.png?{query}", &bare[..bare.len() - 40]);
    assert_eq!(fetch(&house, &absent).await.0, 403);
    for path in
        ["/blobs/avatars/", "/blobs/avatars/x.html?{query}", "/blobs/avatars/..%2f..%2fkeys.json", "/blobs/keys.json"]
    {
        assert_eq!(house.get(path).await.status, 404, "{path}");
    }
    house.pass(HOUR - Duration::from_secs(1));
    assert_eq!(fetch(&house, text(&url)).await.0, 200);
    house.pass(Duration::from_secs(1));
    assert_eq!(fetch(&house, text(&url)).await.0, 403);
    let fresh = olive.get("/v1/account/me").await.expect(200)["avatar_url"].clone();
    assert_eq!(fetch(&house, text(&fresh)).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_of_that_type_is_refused_and_nothing_changes() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let first = olive.post(AVATAR, body(&png(), "image/png")).await.expect(200)["avatar_url"].clone();
    let cut = jpeg();
    let with_a_tail = [png(), b"PK\x03\x04".to_vec()].concat();
    let url_safe = json!({ "data_base64": "_-__", "content_type": "image/png" });
    for (sent, path) in [
        (json!({}), "data_base64"),
        (json!({ "data_base64": base64(&png()) }), "content_type"),
        (json!({ "data_base64": null, "content_type": "image/png" }), "data_base64"),
        (json!({ "data_base64": 7, "content_type": "image/png" }), "data_base64"),
        (json!({ "data_base64": "", "content_type": "image/png" }), "data_base64"),
        (json!({ "data_base64": "%%%%", "content_type": "image/png" }), "data_base64"),
        (json!({ "data_base64": "iVBORw0KGgo", "content_type": "image/png" }), "data_base64"),
        (json!({ "data_base64": "iVBO\nRw0K", "content_type": "image/png" }), "data_base64"),
        (
            json!({ "data_base64": format!("data:image/png;base64,{}", base64(&png())), "content_type": "image/png" }),
            "data_base64",
        ),
        (url_safe, "data_base64"),
        (body(&png(), "image/gif"), "content_type"),
        (body(&png(), "image/svg+xml"), "content_type"),
        (body(&png(), "IMAGE/PNG"), "content_type"),
        (body(&png(), "image/jpeg"), "content_type"),
        (body(&jpeg(), "image/webp"), "content_type"),
        (body(b"<svg/>", "image/png"), "data_base64"),
        (body(&cut[..cut.len() / 2], "image/jpeg"), "data_base64"),
        (body(&with_a_tail, "image/png"), "data_base64"),
        (body(&pictures::huge(), "image/png"), "data_base64"),
        (json!({ "data_base64": base64(&png()), "content_type": "image/png", "crop": true }), "crop"),
    ] {
        let problem = olive.post(AVATAR, sent.clone()).await.refused(400, "validation-failed");
        assert_eq!(problem["issues"][0]["path"], path, "{problem}");
        assert!(problem["detail"].as_str().unwrap().len() < 250, "what was sent is not repeated: {problem}");
    }
    assert_eq!(olive.get("/v1/account/me").await.expect(200)["avatar_url"], first);
    assert_eq!(olive.log().await.iter().filter(|action| action.starts_with("account.avatar")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_mebibytes_are_taken_and_one_byte_more_is_not() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let whole = pictures::padded(2 << 20);
    olive.post(AVATAR, body(&whole, "image/png")).await.expect(200);
    let more = olive.post(AVATAR, body(&pictures::padded((2 << 20) + 1), "image/png")).await;
    assert!(more.refused(413, "payload-too-large")["detail"].as_str().unwrap().contains("2097152"));
    let raw = |length: usize| {
        let text = format!("{{\"data_base64\":\"{}\",\"content_type\":\"image/png\"}}", "A".repeat(length));
        send(olive.request(Method::POST, AVATAR).header("content-type", "application/json").body(text))
    };
    raw(3_670_016).await.refused(413, "payload-too-large");
    raw(3_669_900).await.refused(413, "payload-too-large");
    // Other routes still take little.
    let long = "x".repeat(70_000);
    olive.patch("/v1/account/me", json!({ "name": long })).await.refused(413, "payload-too-large");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_avatar_is_the_owners_and_the_header_is_ignored() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    let sent = body(&png(), "image/png");
    ada.on(&olive.id, Method::POST, AVATAR, Some(sent.clone())).await.expect(200);
    let source = async |who: &Person<'_>| who.get("/v1/account/me").await.expect(200)["avatar_source"].clone();
    assert_eq!((source(&olive).await, source(&ada).await), (json!("none"), json!("user")));
    let key = ada.key_on(&olive.id, &["read", "write"]).await;
    key.post(AVATAR, sent.clone()).await.refused(403, "forbidden");
    key.delete(AVATAR).await.refused(403, "forbidden");
    olive.key(&["read", "write"]).await.post(AVATAR, sent.clone()).await.refused(403, "forbidden");
    olive.key(&["account_owner"]).await.post(AVATAR, sent).await.expect(200);
    assert_eq!(ada.on(&olive.id, Method::DELETE, AVATAR, None).await.status, 204);
    assert_eq!((source(&olive).await, source(&ada).await), (json!("user"), json!("none")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_uploads_at_once_one_is_worn_and_the_others_are_swept() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let uploads = futures_util::future::join_all((0..8).map(|_| olive.post(AVATAR, body(&png(), "image/png"))));
    let urls: Vec<Value> = uploads.await.into_iter().map(|answer| answer.expect(200)["avatar_url"].clone()).collect();
    let worn = olive.get("/v1/account/me").await.expect(200)["avatar_url"].clone();
    assert!(urls.contains(&worn));
    house.pass(HOUR);
    assert_eq!(sweep(&house).await, 7);
    let fresh = olive.get("/v1/account/me").await.expect(200)["avatar_url"].clone();
    assert_eq!(fetch(&house, text(&fresh)).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_the_feature_is_not_there_and_all_else_is() {
    let house = House::open_with(|parts| parts.blobs = Blobs::Nowhere).await;
    let olive = house.person("olive").await;
    let refused = olive.post(AVATAR, body(&png(), "image/png")).await;
    assert!(refused.headers.get("retry-after").is_none());
    refused.refused(503, "feature-unavailable");
    assert_eq!(olive.delete(AVATAR).await.status, 204);
    let me = olive.get("/v1/account/me").await.expect(200);
    assert_eq!((&me["avatar_url"], &me["avatar_source"]), (&Value::Null, &json!("none")));
    assert_eq!(house.get("/readyz").await.expect(200), json!({ "status": "ready", "pictures": "none" }));
    assert_eq!(house.get("/blobs/avatars/0192f0c1-2345-7000-8000-000000000001.png").await.status, 404);
}
