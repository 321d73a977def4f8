//! The device-code flow.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{House, Person, fields, send};

const INITIATE: &str = "/v1/auth/cli-authorize/initiate";
const BIND: &str = "/v1/auth/cli-authorize/bind-device-code";
const EXCHANGE: &str = "/v1/auth/cli-authorize/exchange";
const STATE: &str = "0123456789abcdef";

const MINUTE: Duration = Duration::from_mins(1);

async fn initiate(house: &House) -> Value {
    house.post(INITIATE, json!({ "state": STATE, "client_label": "laptop" })).await.expect(200)
}

async fn exchange(house: &House, begun: &Value) -> Value {
    house.post(EXCHANGE, json!({ "code": begun["code"], "state": STATE })).await.expect(200)
}

async fn bind(by: &Person<'_>, begun: &Value) -> Value {
    by.post(BIND, json!({ "user_code": begun["user_code"] })).await.expect(200)
}

fn nothing(status: &str) -> Value {
    json!({ "status": status, "api_key": null, "account_id": null })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_gets_a_key_without_anybody_typing_one() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let begun = initiate(&house).await;
    assert_eq!(fields(&begun), ["browser_url", "code", "expires_at", "user_code"]);
    assert_eq!(begun["browser_url"], "https://app.example.com/cli-authorize");
    assert_eq!(begun["expires_at"], json!(house.now().plus(MINUTE * 10)));
    let shown = begun["user_code"].as_str().unwrap();
    assert!(shown.len() == 9 && &shown[4..5] == "-" && !shown.contains(['A', 'E', 'I', 'O', 'U', 'Y']), "{shown}");
    assert_eq!(exchange(&house, &begun).await, nothing("pending"));

    let typed = shown.to_lowercase().replace('-', " ");
    let bound = olive.post(BIND, json!({ "user_code": typed })).await.expect(200);
    assert_eq!(bound, json!({ "bound": true, "client_label": "laptop", "expires_at": house.now().plus(MINUTE * 2) }));

    let done = exchange(&house, &begun).await;
    assert_eq!((&done["status"], &done["account_id"]), (&json!("bound"), &json!(olive.id)));
    let laptop = olive.with_token(&done["api_key"]);
    let who = laptop.get("/v1/whoami").await.expect(200);
    assert_eq!((&who["account_id"], &who["scopes"]), (&json!(olive.id), &json!(["read", "write"])));
    laptop.post("/v1/api-keys", json!({ "name": "more", "scopes": ["read"] })).await.refused(403, "forbidden");
    let listed = olive.get("/v1/api-keys").await.expect(200)["data"][0].clone();
    assert_eq!((&listed["name"], &listed["minted_by_account_id"]), (&json!("laptop"), &json!(olive.id)));
    assert!(listed["minted_with"].as_str().unwrap().starts_with("wsk_"));
    assert_eq!(olive.log().await[..2], ["api_key.minted", "api_key.device_bound"]);

    assert_eq!(exchange(&house, &begun).await, nothing("expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_code_nor_a_state_is_enough() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let begun = initiate(&house).await;
    bind(&olive, &begun).await;
    for (code, state) in [
        (&begun["code"], "fedcba9876543210"),
        (&begun["user_code"], STATE),
        (&json!(""), STATE),
        (&json!("c".repeat(9000)), STATE),
    ] {
        let answer = house.post(EXCHANGE, json!({ "code": code, "state": state })).await.expect(200);
        assert_eq!(answer, nothing("expired"));
    }
    assert_eq!(exchange(&house, &begun).await["status"], "bound");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_has_its_time() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let (unbound, uncollected) = (initiate(&house).await, initiate(&house).await);
    house.pass(MINUTE * 9);
    bind(&olive, &uncollected).await;
    house.pass(MINUTE);
    assert_eq!(exchange(&house, &unbound).await, nothing("expired"));
    olive.post(BIND, json!({ "user_code": unbound["user_code"] })).await.refused(404, "not-found");
    house.pass(MINUTE);
    assert_eq!(exchange(&house, &uncollected).await, nothing("expired"));
    assert!(olive.get("/v1/api-keys").await.expect(200)["data"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_bound_once_and_by_a_person() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let begun = initiate(&house).await;
    let body = json!({ "user_code": begun["user_code"] });
    olive.key(&["account_owner"]).await.post(BIND, body.clone()).await.refused(403, "forbidden");
    house.post(BIND, body.clone()).await.refused(401, "unauthorized");
    // On one's own account, whatever the header says.
    send(olive.request(Method::POST, BIND).header("x-driftstack-account", &bo.id).json(&body)).await.expect(200);
    for other in [&olive, &bo] {
        other.post(BIND, body.clone()).await.refused(404, "not-found");
    }
    assert_eq!(exchange(&house, &begun).await["account_id"], json!(olive.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_takes_it_back() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let begun = initiate(&house).await;
    bind(&olive, &begun).await;
    house.post("/v1/auth/logout", json!({ "token": olive.token })).await.expect(200);
    assert_eq!(exchange(&house, &begun).await, nothing("expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_ask_at_once_one_gets_the_key() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let begun = initiate(&house).await;
    bind(&olive, &begun).await;
    let answers = join_all((0..16).map(|_| exchange(&house, &begun))).await;
    assert_eq!(answers.iter().filter(|answer| answer["status"] == "bound").count(), 1, "{answers:?}");
    assert_eq!(olive.get("/v1/api-keys").await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_are_counted_by_account() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    // Each from an address of its own.
    for code in ["BCDF-GHJK", "not a code", "", "BCDF-GHJL", "BCDF-GHJM"] {
        olive.post(BIND, json!({ "user_code": code })).await.refused(404, "not-found");
    }
    let begun = initiate(&house).await;
    let refused = olive.post(BIND, json!({ "user_code": begun["user_code"] })).await;
    assert!(!refused.header("retry-after").is_empty());
    refused.refused(429, "rate-limited");
    bind(&bo, &begun).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_counted_by_address() {
    let house = House::open().await;
    let from = |path: &str, body: &Value| {
        let request = house.request(Method::POST, path);
        let (client, request) = request.build_split();
        let mut request = request.unwrap();
        request.headers_mut().insert("x-forwarded-for", "203.0.113.7".parse().unwrap());
        send(reqwest::RequestBuilder::from_parts(client, request).json(body))
    };
    let begin = json!({ "state": STATE });
    let begun = from(INITIATE, &begin).await.expect(200);
    for _ in 0..9 {
        from(INITIATE, &begin).await.expect(200);
    }
    from(INITIATE, &begin).await.refused(429, "rate-limited");
    let poll = json!({ "code": begun["code"], "state": STATE });
    for _ in 0..60 {
        assert_eq!(from(EXCHANGE, &poll).await.expect(200)["status"], "pending");
    }
    from(EXCHANGE, &poll).await.refused(429, "rate-limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_sends_is_looked_at() {
    let house = House::open().await;
    for (body, path) in [
        (json!({}), "state"),
        (json!({ "state": "too short" }), "state"),
        (json!({ "state": "s".repeat(129) }), "state"),
        (json!({ "state": STATE, "client_label": "" }), "client_label"),
        (json!({ "state": STATE, "scopes": ["admin"] }), "scopes"),
    ] {
        let refused = house.post(INITIATE, body).await.refused(400, "validation-failed");
        assert_eq!(refused["issues"][0]["path"], path);
    }
    house.post(EXCHANGE, json!({ "code": "c" })).await.refused(400, "validation-failed");
}
