use std::time::Duration;

use serde_json::json;

use crate::fixture::{House, PASSWORD, fields};

const MINUTE: Duration = Duration::from_mins(1);

async fn sign_up(house: &House, email: &str) -> serde_json::Value {
    house.post("/v1/auth/signup", json!({ "email": email, "password": PASSWORD, "name": "Ada" })).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_up_verifying_and_signing_in() {
    let house = House::open().await;
    let answer = sign_up(&house, "Ada@Example.com").await;
    assert_eq!(answer, json!({ "verification_email_expires_at": house.now().plus(30 * MINUTE) }));

    let log_in = json!({ "email": "ada@example.com", "password": PASSWORD });
    house.post("/v1/auth/login", log_in.clone()).await.refused(403, "email-not-verified");

    let token = house.mailed_token("ada@example.com").await;
    let verified = house.post("/v1/auth/verify-email", json!({ "token": token })).await.expect(200);
    assert_eq!(fields(&verified), ["session"]);
    assert_eq!(fields(&verified["session"]), ["account_id", "expires_at", "token"]);
    assert!(verified["session"]["account_id"].as_str().unwrap().starts_with("acc_"));

    house.post("/v1/auth/verify-email", json!({ "token": token })).await.refused(400, "invalid-auth-token");
    let welcome = house.mails("ada@example.com", 2).await;
    assert!(!welcome[1].contains("?token="), "the welcome mail has no link to redeem");

    let signed_in = house.post("/v1/auth/login", log_in).await.expect(200);
    assert_eq!(signed_in["session"]["account_id"], verified["session"]["account_id"]);
    assert_eq!(signed_in["session"]["expires_at"], json!(house.now().plus(30 * 24 * 60 * MINUTE)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_one_account() {
    let house = House::open().await;
    sign_up(&house, "ada@example.com").await;
    let again = house.post("/v1/auth/signup", json!({ "email": "ADA@example.com", "password": PASSWORD })).await;
    again.refused(409, "email-already-registered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_link_is_too_old_after_half_an_hour() {
    let house = House::open().await;
    sign_up(&house, "ada@example.com").await;
    let token = house.mailed_token("ada@example.com").await;
    house.pass(30 * MINUTE);
    house.post("/v1/auth/verify-email", json!({ "token": token })).await.refused(400, "invalid-auth-token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_link_voids_the_old_one_and_asking_tells_nothing() {
    let house = House::open().await;
    sign_up(&house, "ada@example.com").await;
    let old = house.mailed_token("ada@example.com").await;
    house.pass(MINUTE);
    let known = house.post("/v1/auth/resend-verification", json!({ "email": "ada@example.com" })).await;
    let unknown = house.post("/v1/auth/resend-verification", json!({ "email": "nobody@example.com" })).await;
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    assert_eq!(known.json(), json!({ "sent": true, "expires_at": house.now().plus(30 * MINUTE) }));

    house.mails("ada@example.com", 2).await;
    let new = house.mailed_token("ada@example.com").await;
    house.post("/v1/auth/verify-email", json!({ "token": old })).await.refused(400, "invalid-auth-token");
    house.post("/v1/auth/verify-email", json!({ "token": new })).await.expect(200);
    assert!(house.mails_now("nobody@example.com").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_address_are_told_the_same() {
    let house = House::open().await;
    house.person("ada").await;
    let wrong = house.post("/v1/auth/login", json!({ "email": "ada@example.com", "password": "wrong" })).await;
    let unknown = house.post("/v1/auth/login", json!({ "email": "nobody@example.com", "password": PASSWORD })).await;
    let (mut wrong, mut unknown) =
        (wrong.refused(401, "invalid-credentials"), unknown.refused(401, "invalid-credentials"));
    wrong["instance"].take();
    unknown["instance"].take();
    assert_eq!(wrong, unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refreshed_token_is_dead_and_replaying_it_ends_the_session() {
    let house = House::open().await;
    let ada = house.person("ada").await;
    let refreshed = house.post("/v1/auth/refresh", json!({ "token": ada.token })).await.expect(200);
    let next = ada.with_token(&refreshed["session"]["token"]);
    ada.get("/v1/account/me").await.refused(401, "unauthorized");
    next.get("/v1/account/me").await.expect(200);

    house.post("/v1/auth/refresh", json!({ "token": ada.token })).await.refused(401, "unauthorized");
    next.get("/v1/account/me").await.refused(401, "unauthorized");
    house.post("/v1/auth/refresh", json!({ "token": next.token })).await.refused(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_the_session_of_the_token_and_may_be_repeated() {
    let house = House::open().await;
    let ada = house.person("ada").await;
    for _ in 0..2 {
        let answer = house.post("/v1/auth/logout", json!({ "token": ada.token })).await.expect(200);
        assert_eq!(answer, json!({ "ok": true }));
    }
    ada.get("/v1/whoami").await.refused(401, "unauthorized");
    house.post("/v1/auth/logout", json!({ "token": "rubbish" })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_for_thirty_days() {
    let house = House::open().await;
    let ada = house.person("ada").await;
    house.pass(30 * 24 * 60 * MINUTE - MINUTE);
    ada.get("/v1/account/me").await.expect(200);
    house.pass(MINUTE);
    ada.get("/v1/account/me").await.refused(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_bearer_does_not_matter_where_none_is_needed() {
    let house = House::open().await;
    let ada = house.person("ada").await;
    let stranger = ada.with_token(&json!("ds_live_rubbish"));
    stranger.post("/v1/auth/login", json!({ "email": "ada@example.com", "password": PASSWORD })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_refused_sign_up_is_kept() {
    let house = House::open().await;
    for body in [
        json!({ "email": "ada@example.com", "password": "short" }),
        json!({ "email": "not an address", "password": PASSWORD }),
        json!({ "email": "ada@example.com", "password": PASSWORD, "name": " " }),
        json!({ "email": "ada@example.com", "password": PASSWORD, "nmae": "Ada" }),
        json!({ "email": "ada@example.com" }),
        json!({ "email": ["ada@example.com"], "password": PASSWORD }),
    ] {
        let problem = house.post("/v1/auth/signup", body).await.refused(400, "validation-failed");
        assert!(problem["issues"][0]["path"].is_string() && !problem.to_string().contains("short\""), "{problem}");
    }
    sign_up(&house, "ada@example.com").await;
}
