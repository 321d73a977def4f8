use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{Answer, House, PASSWORD, Person, fields, send};

const ASK: &str = "/v1/account/email-change";
const CONFIRM: &str = "/v1/account/email-change/confirm";
const NEW: &str = "olive@example.org";
const MINUTE: Duration = Duration::from_mins(1);

/// Somebody who has just shown their password once more.
async fn proven<'h>(house: &'h House, name: &str) -> Person<'h> {
    let who = house.person(name).await;
    prove(&who).await;
    who
}

async fn prove(who: &Person<'_>) {
    who.post("/v1/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
}

async fn link(who: &Person<'_>, to: &str) -> String {
    let before = who.house.mails_now(to).len();
    who.post(ASK, json!({ "email": to })).await.expect(200);
    who.house.mails(to, before + 1).await;
    who.house.mailed_token(to).await
}

async fn confirm(house: &House, token: &str) -> Answer {
    house.post(CONFIRM, json!({ "token": token })).await
}

async fn log_in(house: &House, email: &str) -> Answer {
    house.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_moves_once_its_holder_has_opened_the_link() {
    let house = House::open().await;
    let olive = proven(&house, "olive").await;
    let asked = olive.post(ASK, json!({ "email": "Olive@Example.ORG" })).await.expect(200);
    assert_eq!(asked, json!({ "sent": true, "expires_at": house.now().plus(60 * MINUTE) }));
    let notice = house.mails(&olive.email, 1).await.remove(0);
    assert!(
        notice.contains("Somebody wants to change the address") && !notice.contains("token=") && !notice.contains(NEW),
        "{notice}"
    );
    let mail = house.mails(NEW, 1).await.remove(0);
    assert!(mail.contains("/email-change?token=") && !mail.contains(&olive.email), "{mail}");
    let token = house.mailed_token(NEW).await;
    assert_eq!(olive.get("/v1/account/me").await.expect(200)["email"], olive.email);

    // Whatever stands in the header is not looked at.
    let anywhere = house.request(reqwest::Method::POST, CONFIRM).bearer_auth("nonsense");
    assert_eq!(send(anywhere.json(&json!({ "token": token }))).await.expect(200), json!({ "ok": true }));
    assert_eq!(olive.get("/v1/account/me").await.expect(200)["email"], NEW);
    log_in(&house, &olive.email).await.refused(401, "invalid-credentials");
    log_in(&house, NEW).await.expect(200);
    assert!(house.mails(&olive.email, 2).await[1].contains("has another e-mail address now"));
    let log = olive.get("/v1/account/audit-log?action=account.email_changed").await.expect(200);
    assert_eq!(log["data"].as_array().unwrap().len(), 1);
    let entry = &log["data"][0];
    let moved = json!({ "from": olive.email, "to": NEW });
    assert_eq!((&entry["target_resource_id"], &entry["payload"]), (&json!(olive.id), &moved));
    confirm(&house, &token).await.refused(400, "invalid-auth-token");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_does_not_tell_whether_an_address_has_an_account() {
    let house = House::open().await;
    let (olive, bo) = (proven(&house, "olive").await, house.person("bo").await);
    let free = olive.post(ASK, json!({ "email": NEW })).await;
    let first = house.mailed_token(NEW).await;
    let taken = olive.post(ASK, json!({ "email": bo.email })).await;
    assert_eq!((free.status, &free.text), (taken.status, &taken.text));
    let names = |answer: &Answer| -> Vec<String> { answer.headers.keys().map(ToString::to_string).collect() };
    assert_eq!(names(&free), names(&taken));
    // Nor does it show afterwards: the first link is void whoever has the second address.
    confirm(&house, &first).await.refused(400, "invalid-auth-token");
    // What was asked for later was served later, so there is nothing for Bo any more.
    link(&olive, "somewhere@example.org").await;
    assert!(house.mails_now(&bo.email).is_empty());
    let notices = house.mails(&olive.email, 3).await;
    assert_eq!(notices.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_asks_for_a_session_with_a_fresh_proof() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let body = json!({ "email": NEW });
    let never = olive.post(ASK, body.clone()).await.refused(403, "mfa-step-up-required");
    assert_eq!(never["reason"], "never_satisfied");
    olive.key(&["account_owner"]).await.post(ASK, body.clone()).await.refused(403, "forbidden");
    house.join(&olive, &ada, "admin").await;
    ada.key_on(&olive.id, &["read", "write"]).await.post(ASK, body.clone()).await.refused(403, "forbidden");
    prove(&olive).await;
    house.pass(15 * MINUTE);
    let expired = olive.post(ASK, body.clone()).await.refused(403, "mfa-step-up-required");
    assert_eq!(expired["reason"], "expired");
    prove(&olive).await;
    olive.post(ASK, body).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_new_address_is_named() {
    let house = House::open().await;
    let olive = proven(&house, "olive").await;
    let bodies: [Value; 4] = [
        json!({}),
        json!({ "email": "olive" }),
        json!({ "email": NEW, "mail": NEW }),
        json!({ "email": "OLIVE@example.com" }),
    ];
    for body in bodies {
        let refused = olive.post(ASK, body).await.refused(400, "validation-failed");
        assert_eq!(fields(&refused["issues"][0]), ["message", "path"]);
    }
    assert!(house.mails_now(&olive.email).is_empty());
    house.post(CONFIRM, json!({})).await.refused(400, "validation-failed");
    for token in ["nonsense", &"a".repeat(43)] {
        confirm(&house, token).await.refused(400, "invalid-auth-token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_moves_for_an_hour_and_is_good_for_nothing_else() {
    let house = House::open().await;
    let olive = proven(&house, "olive").await;
    let token = link(&olive, NEW).await;
    house.post("/v1/auth/magic-link/consume", json!({ "token": token })).await.refused(400, "invalid-auth-token");
    house.post("/v1/auth/verify-email", json!({ "token": token })).await.refused(400, "invalid-auth-token");
    house.pass(60 * MINUTE);
    confirm(&house, &token).await.refused(400, "invalid-auth-token");
    prove(&olive).await;
    let token = link(&olive, NEW).await;
    house.pass(59 * MINUTE);
    confirm(&house, &token).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_somebody_else_took_first_is_a_conflict() {
    let house = House::open().await;
    let (olive, bo) = (proven(&house, "olive").await, proven(&house, "bo").await);
    let wanted = "wanted@example.org";
    let (hers, his) = (link(&olive, wanted).await, link(&bo, wanted).await);
    confirm(&house, &his).await.expect(200);
    confirm(&house, &hers).await.refused(409, "conflict");
    assert_eq!(olive.get("/v1/account/me").await.expect(200)["email"], olive.email);
    assert_eq!(bo.get("/v1/account/me").await.expect(200)["email"], wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_stops_a_move_that_somebody_else_asked_for() {
    let house = House::open().await;
    let olive = proven(&house, "olive").await;
    let token = link(&olive, NEW).await;
    house.post("/v1/auth/password-reset/request", json!({ "email": olive.email })).await.expect(200);
    house.mails(&olive.email, 2).await;
    let reset =
        json!({ "token": house.mailed_token(&olive.email).await, "new_password": "another horse, another battery" });
    house.post("/v1/auth/password-reset/confirm", reset).await.expect(200);
    confirm(&house, &token).await.refused(400, "invalid-auth-token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_is_asked_for_three_times_a_minute() {
    let house = House::open().await;
    let olive = proven(&house, "olive").await;
    let ask = async |n: u32| {
        let request = house.client().post(house.url(ASK)).header("x-forwarded-for", "203.0.113.5");
        send(request.bearer_auth(&olive.token).json(&json!({ "email": format!("a{n}@example.org") }))).await
    };
    for n in 0..3 {
        ask(n).await.expect(200);
    }
    ask(3).await.refused(429, "rate-limited");
}
