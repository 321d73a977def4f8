//! The end of an account, as its holder and everybody else sees it.

use std::time::Duration;

use driftstack_domain::ending::{GRACE, PurgeRound};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fixture::{Answer, House, PASSWORD, Person, send},
    receiver::Receiver,
};

const ME: &str = "/v1/account/me";
type Body = fn(&str) -> Value;

const DAY: Duration = Duration::from_hours(24);

fn confirmed() -> Value {
    json!({ "confirm": "delete-account" })
}

async fn prove(who: &Person<'_>) {
    who.post("/v1/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
}

async fn delete(who: &Person<'_>, body: Value) -> Answer {
    send(who.request(Method::DELETE, ME).json(&body)).await
}

/// Somebody who has deleted their account.
async fn deleted<'h>(house: &'h House, name: &str) -> Person<'h> {
    let who = house.person(name).await;
    prove(&who).await;
    delete(&who, confirmed()).await.expect(204);
    who
}

async fn log_in(house: &House, email: &str) -> Answer {
    house.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_ends_everything_and_says_how_it_is_taken_back() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    let (own, adas) = (olive.key(&["read"]).await, ada.key_on(&olive.id, &["read"]).await);
    prove(&olive).await;
    let answer = delete(&olive, confirmed()).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    olive.get(ME).await.refused(401, "unauthorized");
    own.get(ME).await.refused(401, "revoked-key");
    adas.get(ME).await.refused(401, "revoked-key");
    ada.on(&olive.id, Method::GET, "/v1/api-keys", None).await.refused(403, "forbidden");
    assert_eq!(ada.get(ME).await.expect(200)["teams"], json!([]));
    let mail = house.mails(&olive.email, 1).await.remove(0);
    assert!(mail.contains("Your account is deleted") && mail.contains("11 June 2026, 13:00 UTC"), "{mail}");
    assert!(!mail.contains("token="));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_listens_hears_of_the_deletion() {
    let (house, receiver) = (House::open().await, Receiver::start());
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    for (who, path) in [(&olive, "/owner"), (&ada, "/own")] {
        let events = ["api_key.revoked", "team.member_removed"];
        who.post("/v1/webhooks", json!({ "url": receiver.url(path), "events": events })).await.expect(201);
    }
    ada.key_on(&olive.id, &["read"]).await;
    ada.key(&["read"]).await;
    prove(&ada).await;
    delete(&ada, confirmed()).await.expect(204);
    let mut told: Vec<_> = receiver.until(3).await.into_iter().map(|it| (it.json(), it.path)).collect();
    told.sort_by_key(|(event, path)| (path.clone(), event["type"].to_string()));
    let told: Vec<_> =
        told.iter().map(|(event, path)| (path.as_str(), &event["type"], &event["data"]["reason"])).collect();
    assert_eq!(
        told,
        [
            ("/own", &json!("api_key.revoked"), &json!("account_deleted")),
            ("/owner", &json!("api_key.revoked"), &json!("member_removed")),
            ("/owner", &json!("team.member_removed"), &Value::Null),
        ]
    );
    let session = log_in(&house, &ada.email).await.expect(200);
    let back = ada.with_token(&session["session"]["token"]);
    assert_eq!(back.get("/v1/webhooks").await.expect(200)["data"][0]["active"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_asks_for_a_session_a_fresh_proof_and_the_right_words() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let never = delete(&olive, confirmed()).await.refused(403, "mfa-step-up-required");
    assert_eq!(never["reason"], "never_satisfied");
    delete(&olive.key(&["account_owner"]).await, confirmed()).await.refused(403, "forbidden");
    house.join(&olive, &ada, "admin").await;
    delete(&ada.key_on(&olive.id, &["read", "write"]).await, confirmed()).await.refused(403, "forbidden");
    prove(&olive).await;
    for body in [json!({}), json!({ "confirm": "yes" }), json!({ "confirm": "delete-account", "now": true })] {
        delete(&olive, body).await.refused(400, "validation-failed");
    }
    olive.delete(ME).await.refused(400, "validation-failed");
    olive.get(ME).await.expect(200);
    // The workspace header is not looked at: Ada deletes what is hers.
    prove(&ada).await;
    ada.on(&olive.id, Method::DELETE, ME, Some(confirmed())).await.expect(204);
    olive.get(ME).await.expect(200);
    ada.get(ME).await.refused(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_answer_asks_again() {
    let house = House::open().await;
    let olive = deleted(&house, "olive").await;
    delete(&olive, confirmed()).await.expect(204);
    delete(&olive, json!({ "confirm": "no" })).await.refused(400, "validation-failed");
    house.mails(&olive.email, 1).await;
    assert_eq!(house.mails_now(&olive.email).len(), 1, "one mail");
    log_in(&house, &olive.email).await.expect(200);
    delete(&olive, confirmed()).await.refused(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_brings_it_back() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    olive.patch(ME, json!({ "slug": "acme" })).await.expect(200);
    let key = olive.key(&["read"]).await;
    prove(&olive).await;
    delete(&olive, confirmed()).await.expect(204);
    house.pass(29 * DAY);
    let session = log_in(&house, &olive.email).await.expect(200);
    let back = olive.with_token(&session["session"]["token"]);
    let me = back.get(ME).await.expect(200);
    assert_eq!((&me["status"], &me["slug"], &me["name"]), (&json!("active"), &json!("acme"), &json!("olive")));
    assert_eq!(back.log().await[..3], ["account.login", "account.restored", "account.deletion_requested"]);
    let entry = back.get("/v1/account/audit-log?action=account.deletion_requested").await.expect(200);
    let payload = &entry["data"][0]["payload"];
    assert_eq!(payload["purge_at"], "2026-06-11T13:00:00.000Z");
    assert_eq!(payload["revoked_api_keys"].as_array().unwrap().len(), 1);
    key.get(ME).await.refused(401, "revoked-key");
    olive.get(ME).await.refused(401, "unauthorized");
    house.pass(2 * DAY);
    assert_eq!(house.services.purger.round(None).await.unwrap(), PurgeRound::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_brings_it_back_too() {
    let house = House::open().await;
    let olive = deleted(&house, "olive").await;
    house.mails(&olive.email, 1).await;
    house.post("/v1/auth/magic-link/request", json!({ "email": olive.email })).await.expect(200);
    house.mails(&olive.email, 2).await;
    let token = house.mailed_token(&olive.email).await;
    let session = house.post("/v1/auth/magic-link/consume", json!({ "token": token })).await.expect(200);
    olive.with_token(&session["session"]["token"]).get(ME).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_out_that_an_account_is_deleted() {
    let house = House::open().await;
    let (olive, bo) = (deleted(&house, "olive").await, house.person("bo").await);
    let named: Body = |email| json!({ "email": email });
    let cases: [(&str, Body); 5] = [
        ("/v1/auth/signup", |email| json!({ "email": email, "password": PASSWORD })),
        ("/v1/auth/login", |email| json!({ "email": email, "password": "not the password at all" })),
        ("/v1/auth/resend-verification", named),
        ("/v1/auth/magic-link/request", named),
        ("/v1/auth/password-reset/request", named),
    ];
    for (path, body) in cases {
        let (of_deleted, of_active) =
            (house.post(path, body(&olive.email)).await, house.post(path, body(&bo.email)).await);
        let told = |answer: &Answer| {
            let instance = answer.json()["instance"].as_str().unwrap_or_default().to_owned();
            let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            (answer.status, answer.text.replace(&instance, ""), names)
        };
        assert_eq!(told(&of_deleted), told(&of_active), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_grace_everything_is_gone_and_the_address_is_free() {
    let house = House::open().await;
    let olive = deleted(&house, "olive").await;
    house.mails(&olive.email, 1).await;
    house.pass(GRACE);
    // The worker of the house may have been faster.
    house.services.purger.round(None).await.unwrap();
    log_in(&house, &olive.email).await.refused(401, "invalid-credentials");
    delete(&olive, confirmed()).await.refused(401, "unauthorized");
    let again = house.person("olive").await;
    assert_ne!(again.id, olive.id);
    assert_eq!(again.log().await, ["account.login", "account.created"]);
    let sam = house.person("sam").await;
    house.services.operator.set_staff(&sam.email.parse().unwrap(), true).await.unwrap();
    sam.get(&format!("/v1/admin/accounts/{}", olive.id)).await.refused(404, "not-found");
    sam.get(&format!("/v1/admin/accounts/{}", again.id)).await.expect(200);
}
