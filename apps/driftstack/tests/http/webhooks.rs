//! Webhook endpoints, and what they are told.

use std::time::Duration;

use driftstack::wire::Parts;
use driftstack_domain::{
    time::{DAY, MINUTE},
    webhook::{MAX_ENDPOINTS, Reach},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fixture::{House, Person, fields, send},
    receiver::{Arrived, Receiver},
};

const PATH: &str = "/v1/webhooks";
const NOBODYS: &str = "whk_0192f0c1-2345-7000-8000-00000000dead";

fn order(url: &str) -> Value {
    json!({ "url": url, "events": ["api_key.revoked"], "description": "nightly" })
}

async fn register(who: &Person<'_>, url: &str) -> Value {
    who.post(PATH, order(url)).await.expect(201)
}

fn path_of(endpoint: &Value) -> String {
    format!("{PATH}/{}", endpoint["id"].as_str().unwrap())
}

/// Mints a key and revokes it. Answers with its id.
async fn revoke_a_key(who: &Person<'_>) -> String {
    let key = who.post("/v1/api-keys", json!({ "name": "ci", "scopes": ["read"] })).await.expect(201);
    let id = key["id"].as_str().unwrap().to_owned();
    who.delete(&format!("/v1/api-keys/{id}")).await.expect(204);
    id
}

async fn deliveries(who: &Person<'_>, endpoint: &Value, query: &str) -> Value {
    who.get(&format!("{}/deliveries{query}", path_of(endpoint))).await.expect(200)
}

/// The newest delivery, as soon as it has this status.
async fn until_status(who: &Person<'_>, endpoint: &Value, status: &str) -> Value {
    for _ in 0..2000 {
        let newest = deliveries(who, endpoint, "").await["data"][0].clone();
        if newest["status"] == status {
            return newest;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no delivery is {status}: {}", deliveries(who, endpoint, "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_registered_and_its_secret_shown_once() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let made = register(&olive, "https://Hooks.Example.com/a?b=c").await;
    let shown = [
        "active",
        "consecutive_failures",
        "created_at",
        "delivery_counts",
        "description",
        "disabled_at",
        "events",
        "id",
        "last_failure_at",
        "last_success_at",
        "prev_secret_prefix",
        "rotation_grace_expires_at",
        "secret",
        "secret_prefix",
        "url",
    ];
    assert_eq!(fields(&made), shown);
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 50);
    assert!(secret.starts_with(made["secret_prefix"].as_str().unwrap()));
    assert_eq!(made["url"], "https://hooks.example.com/a?b=c");
    assert_eq!((&made["active"], &made["events"]), (&json!(true), &json!(["api_key.revoked"])));
    assert_eq!(made["delivery_counts"], json!({ "delivered": 0, "failed": 0, "dlq": 0 }));

    let read = olive.get(&path_of(&made)).await;
    assert!(!read.text.contains(secret), "never again");
    let list = olive.get(PATH).await.expect(200);
    assert_eq!(list, json!({ "data": [read.expect(200)] }));
    assert!(olive.log().await.contains(&"webhook_endpoint.created".to_owned()));
}

/// With the rule of a real deployment.
async fn strict() -> House {
    House::open_reaching(Reach::Public).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_will_not_do_is_named() {
    let house = strict().await;
    let olive = house.person("olive").await;
    let https = "https://example.com/";
    for (body, path) in [
        (json!({ "events": ["api_key.revoked"] }), "url"),
        (json!({ "url": https }), "events"),
        (json!({ "url": https, "events": [] }), "events"),
        (json!({ "url": https, "events": ["api_key.born"] }), "events[0]"),
        (json!({ "url": https, "events": ["test.ping"] }), "events"),
        (json!({ "url": https, "events": ["api_key.revoked"], "description": "x".repeat(201) }), "description"),
        (json!({ "url": https, "events": ["api_key.revoked"], "secret": "mine" }), "secret"),
        (json!({ "url": "example.com", "events": ["api_key.revoked"] }), "url"),
        (json!({ "url": "http://example.com/", "events": ["api_key.revoked"] }), "url"),
        (json!({ "url": "https://me:secret@example.com/", "events": ["api_key.revoked"] }), "url"),
        (json!({ "url": "https://127.0.0.1/", "events": ["api_key.revoked"] }), "url"),
        (json!({ "url": "https://0x7f.1/", "events": ["api_key.revoked"] }), "url"),
        (json!({ "url": "https://[::ffff:169.254.169.254]/", "events": ["api_key.revoked"] }), "url"),
        (json!({ "url": "https://localhost/", "events": ["api_key.revoked"] }), "url"),
        (json!({ "url": format!("https://example.com/{}", "a".repeat(2048)), "events": ["api_key.revoked"] }), "url"),
    ] {
        let problem = olive.post(PATH, body).await.refused(400, "validation-failed");
        assert_eq!(problem["issues"][0]["path"], path, "{problem}");
    }
    let made = register(&olive, https).await;
    for body in [json!({}), json!({ "url": "https://10.0.0.1/" }), json!({ "events": [] }), json!({ "actve": true })] {
        olive.patch(&path_of(&made), body).await.refused(400, "validation-failed");
    }
    assert_eq!(olive.get(PATH).await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_ten_at_the_most() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for n in 0..MAX_ENDPOINTS {
        register(&olive, &format!("https://example.com/{n}")).await;
    }
    let full = olive.post(PATH, order("https://example.com/eleven")).await.refused(409, "conflict");
    assert_eq!(full["detail"], "an account has at most 10 endpoints; delete one first");
    let first = olive.get(PATH).await.expect(200)["data"][0].clone();
    for _ in 0..2 {
        olive.delete(&path_of(&first)).await.expect(204);
    }
    register(&olive, "https://example.com/eleven").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_endpoint_is_still_there_to_be_looked_up() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let made = register(&olive, "https://example.com/").await;
    olive.delete(&path_of(&made)).await.expect(204);
    let gone = olive.get(&path_of(&made)).await.expect(200);
    assert_eq!((&gone["disabled_at"], &gone["active"]), (&json!(house.now()), &json!(false)));
    assert_eq!(olive.get(PATH).await.expect(200)["data"], json!([]));
    assert_eq!(deliveries(&olive, &made, "").await["data"], json!([]));
    olive.patch(&path_of(&made), json!({ "active": true })).await.refused(409, "conflict");
    for verb in ["rotate-secret", "test"] {
        olive.post(&format!("{}/{verb}", path_of(&made)), json!({})).await.refused(409, "conflict");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_read_and_admins_write() {
    let house = House::open().await;
    let (olive, ada, bo) = (house.person("olive").await, house.person("ada").await, house.person("bo").await);
    let made = register(&olive, "https://example.com/").await;
    let (path, body) = (path_of(&made), order("https://example.org/"));
    let membership = house.join(&olive, &ada, "member").await;
    for read in [PATH.to_owned(), path.clone(), format!("{path}/deliveries")] {
        ada.on(&olive.id, Method::GET, &read, None).await.expect(200);
        bo.on(&olive.id, Method::GET, &read, None).await.refused(403, "forbidden");
    }
    ada.on(&olive.id, Method::POST, PATH, Some(body.clone())).await.refused(403, "forbidden");
    ada.on(&olive.id, Method::DELETE, &path, None).await.refused(403, "forbidden");
    let role = format!("/v1/team/members/{}", membership["id"].as_str().unwrap());
    olive.patch(&role, json!({ "role": "admin" })).await.expect(200);
    ada.on(&olive.id, Method::POST, PATH, Some(body.clone())).await.expect(201);
    ada.on(&olive.id, Method::POST, &format!("{path}/test"), Some(json!({}))).await.expect(202);
    // At home it is not there, and neither is one that never was.
    for id in [made["id"].as_str().unwrap(), NOBODYS] {
        ada.get(&format!("{PATH}/{id}")).await.refused(404, "not-found");
        ada.get(&format!("{PATH}/{id}/deliveries")).await.refused(404, "not-found");
        ada.patch(&format!("{PATH}/{id}"), json!({ "active": false })).await.refused(404, "not-found");
        ada.delete(&format!("{PATH}/{id}")).await.refused(404, "not-found");
    }
    let reader = olive.key(&["read:webhooks"]).await;
    reader.get(PATH).await.expect(200);
    reader.post(PATH, body.clone()).await.refused(403, "forbidden");
    olive.key(&["write:webhooks"]).await.post(PATH, body).await.refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_signed_with_its_ids() {
    let (house, receiver) = (House::open().await, Receiver::start());
    let olive = house.person("olive").await;
    let made = register(&olive, &receiver.url("/hooks?a=b")).await;
    let key = revoke_a_key(&olive).await;
    let arrived = receiver.until(1).await.remove(0);
    let body = arrived.json();
    assert_eq!(fields(&body), ["account_id", "data", "emitted_at", "id", "type"]);
    assert_eq!((&body["type"], &body["account_id"]), (&json!("api_key.revoked"), &json!(olive.id)));
    assert_eq!(body["emitted_at"], json!(house.now()));
    assert_eq!(
        body["data"],
        json!({
            "api_key_id": key, "reason": "revoked", "revoked_at": house.now(), "revoked_by_account_id": olive.id
        })
    );
    assert_eq!(arrived.path, "/hooks");
    assert_eq!(arrived.event(), body["id"].as_str().unwrap());
    assert_eq!(arrived.header("webhook-id"), body["id"].as_str().unwrap());
    assert_eq!(arrived.header("x-driftstack-event-type"), "api_key.revoked");
    assert_eq!(arrived.header("content-type"), "application/json");
    let seconds = house.now().unix_seconds().to_string();
    assert_eq!(arrived.header("webhook-timestamp"), seconds);
    assert!(arrived.header("x-driftstack-signature").starts_with(&format!("t={seconds},v1=")));
    assert!(arrived.header("webhook-signature").starts_with("v1,"));

    let delivered = until_status(&olive, &made, "delivered").await;
    let shown = [
        "attempts",
        "created_at",
        "delivered_at",
        "event_id",
        "event_type",
        "id",
        "last_error",
        "last_response_excerpt",
        "last_response_status",
        "next_attempt_at",
        "status",
        "webhook_id",
    ];
    assert_eq!(fields(&delivered), shown);
    assert_eq!((&delivered["attempts"], &delivered["last_response_status"]), (&json!(1), &json!(204)));
    assert_eq!((&delivered["event_id"], &delivered["delivered_at"]), (&body["id"], &json!(house.now())));
    let counted = olive.get(&path_of(&made)).await.expect(200);
    assert_eq!(counted["delivery_counts"], json!({ "delivered": 1, "failed": 0, "dlq": 0 }));
    assert_eq!(counted["last_success_at"], json!(house.now()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_team_is_told_of_to_those_who_asked() {
    let (house, receiver) = (House::open().await, Receiver::start());
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let deaf = register(&olive, &receiver.url("/deaf")).await;
    let body = json!({
        "url": receiver.url("/team"), "events": ["team.role_changed", "team.member_removed", "team.member_added"]
    });
    let made = olive.post(PATH, body).await.expect(201);
    assert_eq!(made["events"], json!(["team.member_added", "team.member_removed", "team.role_changed"]));
    let membership = house.join(&olive, &ada, "member").await;
    let path = format!("/v1/team/members/{}", membership["id"].as_str().unwrap());
    olive.patch(&path, json!({ "role": "admin" })).await.expect(200);
    olive.delete(&path).await.expect(204);
    let told: Vec<Value> = receiver.until(3).await.iter().map(Arrived::json).collect();
    let types: Vec<&Value> = told.iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["team.member_added", "team.role_changed", "team.member_removed"], "in their order");
    assert_eq!(told[1]["data"]["role"], "admin");
    assert_eq!(told[2]["data"]["member_account_id"], json!(ada.id));
    assert_eq!(deliveries(&olive, &deaf, "").await["data"], json!([]), "who has not asked is not shown them");
    assert_eq!(olive.get(&path_of(&deaf)).await.expect(200)["events"], json!(["api_key.revoked"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_five_times_gets_its_event_on_the_sixth() {
    let (house, receiver) = (House::open().await, Receiver::start());
    let olive = house.person("olive").await;
    let made = register(&olive, &receiver.url("/")).await;
    receiver.will_answer([500, 404, 302, 429, 503]);
    revoke_a_key(&olive).await;
    for (attempt, minutes) in [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60)] {
        receiver.until(attempt).await;
        let failed = until_status(&olive, &made, "failed").await;
        assert_eq!(failed["attempts"], attempt, "{failed}");
        assert_eq!(failed["next_attempt_at"], json!(house.now().plus(MINUTE * minutes)));
        assert!(failed["last_error"].is_string() && failed["delivered_at"].is_null(), "{failed}");
        assert!(!failed["last_response_excerpt"].as_str().unwrap().contains('\x1b'), "{failed}");
        house.pass(MINUTE * minutes - Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(receiver.count(), attempt, "not before its time");
        house.pass(Duration::from_secs(1));
    }
    let arrived = receiver.until(6).await;
    let delivered = until_status(&olive, &made, "delivered").await;
    assert_eq!((&delivered["attempts"], &delivered["last_error"]), (&json!(6), &Value::Null));
    assert!(arrived.iter().all(|it| it.body == arrived[0].body && it.event() == arrived[0].event()));
    assert_ne!(arrived[0].header("webhook-timestamp"), arrived[5].header("webhook-timestamp"), "signed anew");
    let counted = olive.get(&path_of(&made)).await.expect(200);
    assert_eq!(counted["delivery_counts"], json!({ "delivered": 1, "failed": 5, "dlq": 0 }));
    assert_eq!(counted["consecutive_failures"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_may_be_replayed() {
    let (house, receiver) = (House::open().await, Receiver::start());
    let olive = house.person("olive").await;
    let made = register(&olive, &receiver.url("/")).await;
    receiver.will_answer([500; 6]);
    revoke_a_key(&olive).await;
    for (attempt, minutes) in [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60), (6, 0)] {
        receiver.until(attempt).await;
        until_status(&olive, &made, if attempt == 6 { "dlq" } else { "failed" }).await;
        house.pass(MINUTE * minutes);
    }
    let dead = deliveries(&olive, &made, "?status=dlq").await;
    assert_eq!((dead["data"].as_array().unwrap().len(), &dead["has_more"]), (1, &json!(false)));
    assert_eq!(deliveries(&olive, &made, "?status=pending").await["data"], json!([]));
    olive.get(&format!("{}/deliveries?status=lost", path_of(&made))).await.refused(400, "validation-failed");

    let path = format!("/v1/webhook-deliveries/{}/replay", dead["data"][0]["id"].as_str().unwrap());
    house.person("bo").await.post(&path, json!({})).await.refused(404, "not-found");
    let replayed = olive.post(&path, json!({})).await.expect(200);
    assert_eq!((&replayed["status"], &replayed["attempts"]), (&json!("pending"), &json!(0)));
    let arrived = receiver.until(7).await;
    until_status(&olive, &made, "delivered").await;
    assert_eq!(arrived[6].event(), arrived[0].event());
    send(olive.request(Method::POST, &path)).await.expect(200);
    receiver.until(8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_comes_whatever_the_subscription() {
    let (house, receiver) = (House::open().await, Receiver::start());
    let olive = house.person("olive").await;
    let made = register(&olive, &receiver.url("/")).await;
    let path = format!("{}/test", path_of(&made));
    let ping = send(olive.request(Method::POST, &path)).await.expect(202);
    assert_eq!(fields(&ping), ["delivery_id", "event_id", "event_type"]);
    let arrived = receiver.until(1).await.remove(0);
    assert_eq!(arrived.json()["id"], ping["event_id"]);
    assert_eq!(arrived.json()["type"], "test.ping");
    assert_eq!(until_status(&olive, &made, "delivered").await["id"], ping["delivery_id"]);

    let keyed = async || send(olive.request(Method::POST, &path).header("idempotency-key", "k").json(&json!({}))).await;
    let (first, again) = (keyed().await, keyed().await);
    assert_eq!((first.status, &first.text), (202, &again.text));
    receiver.until(2).await;
    assert_eq!(receiver.count(), 2, "asked twice with one key, it is sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_sign_for_a_day() {
    let (house, receiver) = (House::open().await, Receiver::start());
    let olive = house.person("olive").await;
    let made = register(&olive, &receiver.url("/")).await;
    let ping = async || {
        let before = receiver.count();
        olive.post(&format!("{}/test", path_of(&made)), json!({})).await.expect(202);
        receiver.until(before + 1).await.remove(before)
    };
    let signatures = |arrived: &Arrived| {
        let own = arrived.header("x-driftstack-signature").matches("v1=").count();
        (own, arrived.header("webhook-signature").matches("v1,").count())
    };
    assert_eq!(signatures(&ping().await), (1, 1));
    let rotated = olive.post(&format!("{}/rotate-secret", path_of(&made)), json!({})).await.expect(200);
    assert_ne!(rotated["secret"], made["secret"]);
    assert_eq!(rotated["prev_secret_prefix"], made["secret_prefix"]);
    assert_eq!(rotated["grace_expires_at"], json!(house.now().plus(DAY)));
    assert_eq!(rotated["rotation_grace_expires_at"], rotated["grace_expires_at"]);
    assert_eq!(signatures(&ping().await), (2, 2));
    house.pass(DAY);
    assert_eq!(signatures(&ping().await), (1, 1));
    let read = olive.get(&path_of(&made)).await.expect(200);
    assert_eq!((&read["prev_secret_prefix"], &read["rotation_grace_expires_at"]), (&Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_endpoint_is_told_nothing() {
    let (house, receiver) = (House::open().await, Receiver::start());
    let olive = house.person("olive").await;
    let made = register(&olive, &receiver.url("/")).await;
    let paused = olive.patch(&path_of(&made), json!({ "active": false, "description": null })).await.expect(200);
    assert_eq!((&paused["active"], &paused["description"]), (&json!(false), &Value::Null));
    revoke_a_key(&olive).await;
    olive.post(&format!("{}/test", path_of(&made)), json!({})).await.refused(409, "conflict");
    olive.patch(&path_of(&made), json!({ "active": true })).await.expect(200);
    let told = revoke_a_key(&olive).await;
    let arrived = receiver.until(1).await;
    assert_eq!(arrived[0].json()["data"]["api_key_id"], told);
    assert_eq!(deliveries(&olive, &made, "").await["data"].as_array().unwrap().len(), 1);
}

/// A receiver that takes its time for each keeps nobody else waiting, and never has two at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_receiver_holds_its_own_place_alone() {
    let (house, slow, fast) = (House::open().await, Receiver::start(), Receiver::start());
    let olive = house.person("olive").await;
    slow.takes(Duration::from_millis(500));
    for n in 0..5 {
        register(&olive, &slow.url(&format!("/{n}"))).await;
    }
    register(&olive, &fast.url("/")).await;
    for _ in 0..4 {
        revoke_a_key(&olive).await;
    }
    let began = std::time::Instant::now();
    fast.until(4).await;
    let waited = began.elapsed();
    assert!(slow.count() < 20, "they were all through before");
    slow.until(20).await;
    assert!(waited < Duration::from_millis(1500), "{waited:?}");
    assert!(began.elapsed() < Duration::from_secs(8), "five of them in parallel");
    assert_eq!((slow.most_at_once(), fast.most_at_once()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_says_why_and_nothing_of_the_inside() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let made = register(&olive, &url).await;
    revoke_a_key(&olive).await;
    let failed = until_status(&olive, &made, "failed").await;
    assert_eq!(failed["last_error"], "the host could not be connected to");
    assert_eq!((&failed["last_response_status"], &failed["last_response_excerpt"]), (&Value::Null, &Value::Null));
}

/// One that was registered under a laxer rule is not called under the stricter one.
#[tokio::test(flavor = "multi_thread")]
async fn every_delivery_is_looked_at_again() {
    let strict = |parts: &mut Parts| {
        parts.courier = std::sync::Arc::new(driftstack_courier::HttpCourier::open(Reach::Public).unwrap());
    };
    let (house, receiver) = (House::open_with(strict).await, Receiver::start());
    let olive = house.person("olive").await;
    let made = register(&olive, &receiver.url("/").replace("http:", "https:")).await;
    revoke_a_key(&olive).await;
    let failed = until_status(&olive, &made, "failed").await;
    assert_eq!(failed["last_error"], "the URL leads to an address that is not on the public internet");
    assert_eq!(receiver.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_registration_or_rotation_tells_the_same_secret() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let keyed = async |path: &str, body: &Value| {
        send(olive.request(Method::POST, path).header("idempotency-key", "k").json(body)).await
    };
    let (first, again) =
        (keyed(PATH, &order("https://example.com/")).await, keyed(PATH, &order("https://example.com/")).await);
    assert_eq!((first.status, again.status, &again.text), (201, 201, &first.text));
    assert_eq!(olive.get(PATH).await.expect(200)["data"].as_array().unwrap().len(), 1);
    let rotate = format!("{}/rotate-secret", path_of(&first.json()));
    let (first, again) = (keyed(&rotate, &json!({})).await, keyed(&rotate, &json!({})).await);
    assert_eq!((first.status, again.status, &again.text), (200, 200, &first.text));
}
