//! Links that sign in, and links that set a new password.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{House, PASSWORD, Person, fields};

const MINUTE: Duration = Duration::from_mins(1);

async fn ask(house: &House, what: &str, email: &str) -> Value {
    house.post(&format!("/v1/auth/{what}/request"), json!({ "email": email })).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_magic_link_signs_in_once_within_a_quarter_of_an_hour() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let asked = ask(&house, "magic-link", &olive.email).await;
    assert_eq!(asked, json!({ "sent": true, "expires_at": house.now().plus(15 * MINUTE) }));
    let token = house.mailed_token(&olive.email).await;
    let consume = async |token: &str| house.post("/v1/auth/magic-link/consume", json!({ "token": token })).await;
    let signed_in = consume(&token).await.expect(200);
    assert_eq!(fields(&signed_in["session"]), ["account_id", "expires_at", "token"]);
    assert_eq!(signed_in["session"]["account_id"], olive.id);
    consume(&token).await.refused(400, "invalid-auth-token");

    ask(&house, "magic-link", &olive.email).await;
    house.mails(&olive.email, 2).await;
    let late = house.mailed_token(&olive.email).await;
    house.pass(15 * MINUTE);
    consume(&late).await.refused(400, "invalid-auth-token");
    consume("nonsense").await.refused(400, "invalid-auth-token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_for_what_it_was_asked_for() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    ask(&house, "magic-link", &olive.email).await;
    let token = house.mailed_token(&olive.email).await;
    for path in ["/v1/auth/verify-email", "/v1/auth/password-reset/confirm"] {
        let mut body = json!({ "token": token });
        if path.ends_with("confirm") {
            body["new_password"] = json!("another horse, another battery");
        }
        house.post(path, body).await.refused(400, "invalid-auth-token");
    }
    house.post("/v1/auth/magic-link/consume", json!({ "token": token })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_sets_the_password_and_ends_every_sign_in() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let key = olive.key(&["read"]).await;
    let asked = ask(&house, "password-reset", &olive.email).await;
    assert_eq!(asked["expires_at"], json!(house.now().plus(60 * MINUTE)));
    let token = house.mailed_token(&olive.email).await;
    let confirm = async |body: Value| house.post("/v1/auth/password-reset/confirm", body).await;
    confirm(json!({ "token": token, "new_password": "too short" })).await.refused(400, "validation-failed");
    confirm(json!({ "token": token })).await.refused(400, "validation-failed");
    let new = "another horse, another battery";
    let signed_in = confirm(json!({ "token": token, "password": new })).await.expect(200);
    olive.get("/v1/account/me").await.refused(401, "unauthorized");
    // A key is not a sign-in, and its owner may not be at hand to replace it.
    key.get("/v1/account/me").await.expect(200);
    let olive = olive.with_token(&signed_in["session"]["token"]);
    assert_eq!(olive.log().await[..2], ["account.login", "account.password_changed"]);
    let log_in = async |password: &str| {
        house.post("/v1/auth/login", json!({ "email": olive.email, "password": password })).await
    };
    log_in(PASSWORD).await.refused(401, "invalid-credentials");
    log_in(new).await.expect(200);
    confirm(json!({ "token": token, "new_password": new })).await.refused(400, "invalid-auth-token");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_tells_nothing_of_an_address() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for what in ["magic-link", "password-reset"] {
        let path = format!("/v1/auth/{what}/request");
        let known = house.post(&path, json!({ "email": olive.email })).await;
        let unknown = house.post(&path, json!({ "email": "nobody@example.com" })).await;
        assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
        let names = |answer: &crate::fixture::Answer| -> Vec<String> {
            answer.headers.keys().map(ToString::to_string).collect()
        };
        assert_eq!(names(&known), names(&unknown));
    }
    house.mails(&olive.email, 2).await;
    assert!(house.mails_now("nobody@example.com").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_up_with_the_address_of_somebody_else_does_not_get_in_by_their_magic_link() {
    let house = House::open().await;
    let email = "ada@example.com";
    let credentials = json!({ "email": email, "password": PASSWORD });
    house.post("/v1/auth/signup", credentials.clone()).await.expect(200);
    let verification = house.mailed_token(email).await;
    house.pass(MINUTE);
    ask(&house, "magic-link", email).await;
    let mails = house.mails(email, 2).await;
    assert!(mails[1].contains("/magic-link?token="), "{}", mails[1]);
    let token = house.mailed_token(email).await;
    house.pass(MINUTE);
    let opened = house.post("/v1/auth/magic-link/consume", json!({ "token": token })).await.expect(200);
    let text = |field: &str| opened["session"][field].as_str().unwrap().to_owned();
    let ada = Person { house: &house, id: text("account_id"), email: email.to_owned(), token: text("token") };
    assert_eq!(ada.log().await, ["account.login", "account.email_verified", "account.created"]);
    let welcome = house.mails(email, 3).await;
    assert!(!welcome[2].contains("?token="), "{}", welcome[2]);

    house.post("/v1/auth/login", credentials).await.refused(401, "invalid-credentials");
    house.post("/v1/auth/verify-email", json!({ "token": verification })).await.refused(400, "invalid-auth-token");
    ada.post("/v1/auth/step-up", json!({ "password": PASSWORD })).await.refused(401, "invalid-credentials");

    house.pass(MINUTE);
    ask(&house, "password-reset", email).await;
    house.mails(email, 4).await;
    let new = "another horse, another battery";
    let reset = json!({ "token": house.mailed_token(email).await, "new_password": new });
    house.post("/v1/auth/password-reset/confirm", reset).await.expect(200);
    house.post("/v1/auth/login", json!({ "email": email, "password": new })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_asked_for_three_times_a_minute() {
    let house = House::open().await;
    let from_one_address = async || {
        let request = house.client().post(house.url("/v1/auth/magic-link/request"));
        let request = request.header("x-forwarded-for", "203.0.113.5").json(&json!({ "email": "a@example.com" }));
        crate::fixture::send(request).await
    };
    for _ in 0..3 {
        from_one_address().await.expect(200);
    }
    from_one_address().await.refused(429, "rate-limited");
}
