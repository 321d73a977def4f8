//! Every answer below `/api/v1` wears the envelope, whoever made it.

use driftstack_domain::tier::Plan;
use reqwest::Method;
use serde_json::json;

use super::{KEYS, ME, ORG, in_envelope, say};
use crate::fixture::House;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_framework_refuses_is_in_it_too() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Enterprise).await;
    house.get("/api/v1/nothing/here").await.error(404, "NOT_FOUND");
    house.get("/api/v1").await.error(404, "NOT_FOUND");
    // The router reads a path decoded.
    house.get("/%61pi/v1/account/me").await.error(401, "AUTH_REQUIRED");
    let wrong = olive.patch(ME, json!({})).await;
    assert_eq!(wrong.header("allow"), "GET, PUT");
    wrong.error(405, "METHOD_NOT_ALLOWED");
    let put = || olive.request(Method::PUT, ORG);
    let malformed = say(put().header("content-type", "application/json").body("{\"name\":")).await;
    assert_eq!(malformed.error(422, "VALIDATION_ERROR")["detail"][0]["type"], "malformed");
    say(put().header("content-type", "text/plain").body("name")).await.error(415, "UNSUPPORTED_MEDIA_TYPE");
    say(put().json(&json!({ "name": "x".repeat(70_000) }))).await.error(413, "PAYLOAD_TOO_LARGE");
    olive.delete(&format!("{KEYS}/7")).await.error(422, "VALIDATION_ERROR");
    olive.delete(&format!("{KEYS}/key_0192f0c1-2345-7000-8000-00000000dead")).await.error(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_credential() {
    let house = House::open().await;
    house.get(ME).await.error(401, "AUTH_REQUIRED");
    for token in ["ds_live_nonsense", "bs_live_nonsense", "v4.local.nonsense", "nonsense"] {
        let refused = say(house.request(Method::GET, ME).bearer_auth(token)).await;
        assert_eq!(refused.header("www-authenticate"), "Bearer");
        let error = refused.error(401, "AUTH_REQUIRED");
        assert_eq!((&error["retryable"], &error["action"]), (&json!(false), &json!("use_different_key")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_a_request_is_ours_or_holds_what_was_given() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let asked = async |id: &str| say(olive.request(Method::GET, ME).header("x-request-id", id)).await;
    assert_eq!(asked("bs-req-7").await.header("x-request-id"), "bs-req-7");
    assert_eq!(asked("trace-7").await.header("x-request-id"), "bs-req-trace-7");
    let (one, two) = (asked("not sane").await, olive.get(ME).await);
    assert_ne!(in_envelope(&one)["api"]["request_id"], in_envelope(&two)["api"]["request_id"]);
    assert!(!one.header("x-request-id").contains("sane"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_is_named() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Enterprise).await;
    let error = olive.put(ME, json!({ "name": "", "org_id": "three", "nmae": 1 })).await.error(422, "VALIDATION_ERROR");
    assert_eq!(
        error["detail"],
        json!([
            { "field": "name", "message": "a name has 1 to 120 characters, not counting spaces around it", "type": "value_error" },
            { "field": "nmae", "message": "unknown field `nmae`, expected `name` or `org_id`", "type": "extra_forbidden" },
            { "field": "org_id", "message": "expected a whole number", "type": "type_error" },
        ])
    );
    assert_eq!((&error["retryable"], &error["action"]), (&json!(false), &json!("fix_input")));
    let missing = olive.put(ORG, json!({})).await.error(422, "VALIDATION_ERROR");
    assert_eq!(missing["detail"], json!([{ "field": "name", "message": "missing field `name`", "type": "missing" }]));
    for (path, body) in [(ME, json!({})), (super::NOTIFICATIONS, json!({}))] {
        assert_eq!(olive.put(path, body).await.error(422, "VALIDATION_ERROR")["detail"][0]["field"], "request");
    }
    let unknown = olive.get(&format!("{KEYS}?page=2")).await.error(422, "VALIDATION_ERROR");
    assert_eq!(
        unknown["detail"][0],
        json!({ "field": "page", "message": "unknown query parameter", "type": "extra_forbidden" })
    );
    for (body, field) in [
        (json!({ "name": "x", "scopes": [] }), "scopes"),
        (json!({ "name": "x", "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
        (json!({ "name": "x", "scopes": ["sudo"] }), "scopes[0]"),
    ] {
        assert_eq!(olive.post(KEYS, body).await.error(422, "VALIDATION_ERROR")["detail"][0]["field"], field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_dialect_tells_every_wrong_field_as_well() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let problem =
        olive.post("/v1/api-keys", json!({ "name": 7, "scopes": ["sudo"] })).await.refused(400, "validation-failed");
    let paths: Vec<_> = problem["issues"].as_array().unwrap().iter().map(|issue| issue["path"].clone()).collect();
    assert_eq!(paths, ["name", "scopes[0]"]);
}
