//! The organisation dialect.

mod agreement;
mod envelope;
mod keys;
mod plans;
mod roles;
mod shape;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::fixture::{Answer, House, Person, send};

const ME: &str = "/api/v1/account/me";
const ORG: &str = "/api/v1/account/org";
const ORGS: &str = "/api/v1/account/orgs";
const NOTIFICATIONS: &str = "/api/v1/account/notifications";
const KEYS: &str = "/api/v1/account/api-keys";

/// What every answer of the dialect has, whoever made it.
#[track_caller]
fn in_envelope(answer: &Answer) -> Value {
    let body = answer.json();
    let about = &body["api"];
    assert_eq!(answer.header("content-type"), "application/json", "{body}");
    assert_eq!((answer.header("x-api-version"), &about["version"]), ("v1", &json!("v1")));
    assert_eq!(about["request_id"], answer.header("x-request-id"));
    assert!(answer.header("x-request-id").starts_with("bs-req-"), "{body}");
    assert_eq!(about["timestamp"].as_str().unwrap().len(), "2025-11-01T09:00:00Z".len());
    assert!(about["processing_ms"].is_u64(), "{body}");
    assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), ("no-store", "nosniff"));
    body
}

impl Answer {
    /// The data, of an answer with this status.
    #[track_caller]
    fn data(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        let body = in_envelope(&self);
        assert!(body.get("error").is_none(), "{body}");
        body["data"].clone()
    }

    /// The error, which must have this status and code, and every member that an error has.
    #[track_caller]
    fn error(self, status: u16, code: &str) -> Value {
        let body = in_envelope(&self);
        let error = &body["error"];
        assert_eq!((self.status, &error["code"]), (status, &json!(code)), "{body}");
        let members: Vec<&String> = error.as_object().unwrap().keys().collect();
        assert_eq!(members, ["action", "code", "detail", "message", "retry_after_seconds", "retryable"], "{body}");
        assert!(
            error["message"].is_string() && error["retryable"].is_boolean() && error["action"].is_string(),
            "{body}"
        );
        assert!(body.get("data").is_none(), "{body}");
        error.clone()
    }
}

/// Somebody's number for their own organisation.
async fn org_id(owner: &Person<'_>) -> Value {
    owner.get(ORGS).await.data(200)["orgs"][0]["id"].clone()
}

/// `who` makes the organisation of `owner` the active one.
async fn go(who: &Person<'_>, owner: &Person<'_>) -> Value {
    who.put(ME, json!({ "org_id": org_id(owner).await })).await.data(200)
}

/// A key in the hands of `who`, minted on whatever organisation is active.
async fn key<'h>(who: &Person<'h>) -> Person<'h> {
    let minted = who.post(KEYS, json!({ "name": "ci" })).await.data(201);
    who.with_token(&minted["key"])
}

/// Every write there is, as somebody tries it who may be refused.
fn writes(by: &Person<'_>) -> Vec<RequestBuilder> {
    let nothing = "key_0192f0c1-2345-7000-8000-00000000dead";
    let request = |method, path: &str, body: Value| by.request(method, path).json(&body);
    vec![
        request(Method::PUT, ME, json!({ "name": "X" })),
        request(Method::PUT, ORG, json!({ "name": "X" })),
        request(Method::PUT, NOTIFICATIONS, json!({ "tier-changed": false })),
        request(Method::POST, KEYS, json!({ "name": "X" })),
        request(Method::DELETE, &format!("{KEYS}/{nothing}"), json!({})),
    ]
}

/// Olive's organisation is on a plan with everything, and Ada is on her team and acts there.
async fn together<'h>(house: &'h House, role: &str) -> (Person<'h>, Person<'h>, String) {
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.plan(&olive, driftstack_domain::tier::Plan::Enterprise).await;
    house.plan(&ada, driftstack_domain::tier::Plan::Enterprise).await;
    let membership = house.join(&olive, &ada, role).await;
    go(&ada, &olive).await;
    (olive, ada, membership["id"].as_str().unwrap().to_owned())
}

async fn give_role(owner: &Person<'_>, membership: &str, role: &str) {
    owner.patch(&format!("/v1/team/members/{membership}"), json!({ "role": role })).await.expect(200);
}

async fn say(request: RequestBuilder) -> Answer {
    send(request).await
}
