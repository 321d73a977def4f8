//! What holds for every route: errors, headers, bodies that are not what they should be.

use reqwest::Method;
use serde_json::json;

use crate::fixture::{House, send};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_credential_one_is_asked_for() {
    let house = House::open().await;
    let answer = house.get("/v1/account/me").await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    answer.refused(401, "unauthorized");
    for header in ["", "Bearer", "Bearer ", "Basic b2xpdmU6eA==", "ds_live_x"] {
        let request = house.request(Method::GET, "/v1/account/me").header("authorization", header);
        send(request).await.refused(401, "unauthorized");
    }
    let twice = house.request(Method::GET, "/v1/account/me").header("authorization", "Bearer a");
    send(twice.header("authorization", "Bearer b")).await.refused(400, "bad-request");
    let twice =
        house.person("olive").await.request(Method::GET, "/v1/api-keys").header("x-driftstack-account", "acc_a");
    send(twice.header("x-driftstack-account", "acc_b")).await.refused(400, "bad-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_a_request_id_and_the_security_headers() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for path in ["/v1/whoami", "/v1/nothing", "/healthz"] {
        let answer = olive.get(path).await;
        assert!(!answer.header("x-request-id").is_empty());
        assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), ("nosniff", "no-store"));
    }
    let given = send(house.request(Method::GET, "/healthz").header("x-request-id", "trace-1.2_3")).await;
    assert_eq!(given.header("x-request-id"), "trace-1.2_3");
    for bad in ["a b", "<script>", &"x".repeat(129), ""] {
        let answer = send(house.request(Method::GET, "/healthz").header("x-request-id", bad)).await;
        assert_ne!(answer.header("x-request-id"), bad);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_and_a_wrong_method_are_told_apart() {
    let house = House::open().await;
    for path in ["/", "/v1", "/v1/nothing", "/v1/account/me/", "/v2/account/me", "/v1//whoami"] {
        house.get(path).await.refused(404, "not-found");
    }
    let answer = house.post("/v1/account/me", json!({})).await;
    assert_eq!(
        answer.header("allow").split(", ").collect::<std::collections::BTreeSet<_>>(),
        ["DELETE", "GET", "PATCH"].into()
    );
    answer.refused(405, "method-not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_what_it_should_be_changes_nothing() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let before = olive.get("/v1/account/me").await.expect(200);
    let raw = async |content_type: &str, body: Vec<u8>| {
        send(olive.request(Method::PATCH, "/v1/account/me").header("content-type", content_type).body(body)).await
    };
    for body in [
        &b"{"[..],
        b"nonsense",
        b"{\"name\":\"a\"} trailing",
        b"{\"name\":\"\xff\xfe\"}",
        b"\0",
        b"{\"name\":\"a\",}",
        b"\xef\xbb\xbf{}",
    ] {
        raw("application/json", body.to_vec()).await.refused(400, "bad-request");
    }
    for body in [&b"[]"[..], b"[\"by its place\"]", b"null", b"7", b"\"text\""] {
        raw("application/json", body.to_vec()).await.refused(400, "validation-failed");
    }
    let deep = [b"{\"name\":".to_vec(), b"[".repeat(20_000), b"]".repeat(20_000), b"}".to_vec()].concat();
    assert_eq!(raw("application/json", deep).await.status, 400);
    for content_type in
        ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        raw(content_type, b"{\"name\":\"x\"}".to_vec()).await.refused(415, "unsupported-media-type");
    }
    raw("application/json", format!("{{\"name\":\"{}\"}}", "x".repeat(70_000)).into_bytes())
        .await
        .refused(413, "payload-too-large");
    raw("application/json", b"{\"name\":\"a\",\"name\":\"b\"}".to_vec()).await.refused(400, "validation-failed");
    assert_eq!(olive.get("/v1/account/me").await.expect(200), before);
    raw("application/json; charset=utf-8", b"{\"name\":\"fine\"}".to_vec()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_paths_and_queries_are_refused_not_failed() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for path in [
        "/v1/api-keys/%00",
        "/v1/api-keys/%ff",
        "/v1/api-keys/..%2f..%2fetc",
        "/v1/team/members/mem_%F0%9F%92%A9",
        "/v1/account/audit-log?limit=%00",
        "/v1/account/audit-log?%ff=%fe",
        "/v1/account/audit-log?target_resource_id=%00",
        "/v1/account/audit-log?limit=99999999999999999999",
        "/v1/teams?x=1",
    ] {
        let answer = olive.get(path).await;
        assert!((200..500).contains(&answer.status), "{path}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_allowed_origin_may_call_and_another_may_not() {
    let house = House::open().await;
    let preflight = async |origin: &str| {
        let request = house.request(Method::OPTIONS, "/v1/account/me").header("origin", origin);
        send(request.header("access-control-request-method", "PATCH")).await
    };
    let allowed = preflight("https://app.example.com").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example.com");
    assert!(preflight("https://evil.example.com").await.headers.get("access-control-allow-origin").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn alive_and_ready() {
    let house = House::open().await;
    assert_eq!(house.get("/healthz").await.expect(200), json!({ "status": "ok" }));
    assert_eq!(house.get("/readyz").await.expect(200), json!({ "status": "ready", "pictures": "ok" }));
    assert_eq!(send(house.request(Method::HEAD, "/readyz")).await.status, 200);
    for path in ["/healthz", "/readyz", "/openapi.json", "/docs"] {
        let answer = house.post(path, json!({})).await;
        assert_eq!(answer.header("allow"), "GET, HEAD");
        answer.refused(405, "method-not-allowed");
    }
}
