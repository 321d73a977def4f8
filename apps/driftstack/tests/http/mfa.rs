use std::{collections::HashSet, time::Duration};

use driftstack_domain::{mfa::TotpSecret, time::Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Answer, House, PASSWORD, Person, fields, send};

const STEP: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_mins(1);

/// What somebody scans.
struct Phone {
    secret: TotpSecret,
    recovery: Vec<String>,
}

impl Phone {
    /// Enrolls. The code that this takes is used, so the clock goes on to the next one.
    async fn of(who: &Person<'_>) -> Self {
        let enrollment = who.post("/v1/account/mfa/enroll", json!({})).await.expect(200);
        let secret = TotpSecret::from_base32(enrollment["secret"].as_str().unwrap()).unwrap();
        let code = secret.code_at(who.house.now());
        let verified = who.post("/v1/account/mfa/verify", json!({ "code": code })).await.expect(200);
        let codes = verified["recovery_codes"].as_array().unwrap();
        let recovery = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        who.house.pass(STEP);
        Self { secret, recovery }
    }

    fn code(&self, at: Timestamp) -> String {
        self.secret.code_at(at)
    }
}

/// From an address, with whatever stands beside the token.
async fn answer(house: &House, from: &str, challenge: &Value, with: (&str, &str)) -> Answer {
    let body = json!({ "challenge_token": challenge["challenge_token"], with.0: with.1 });
    let request = house.client().post(house.url("/v1/auth/mfa/challenge")).header("x-forwarded-for", from);
    send(request.json(&body)).await
}

async fn log_in(who: &Person<'_>) -> Value {
    let body = json!({ "email": who.email, "password": PASSWORD });
    let request = who.house.client().post(who.house.url("/v1/auth/login")).header("x-forwarded-for", HERE);
    send(request.json(&body)).await.expect(200)
}

const HERE: &str = "203.0.113.5";
const ELSEWHERE: &str = "203.0.113.6";

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_enrolled_and_asked_for() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let none = json!({ "enrolled": false, "enrolled_at": null, "last_used_at": null, "unused_recovery_codes": 0 });
    assert_eq!(olive.get("/v1/account/mfa").await.expect(200), none);
    let enrollment = olive.post("/v1/account/mfa/enroll", json!({})).await.expect(200);
    assert_eq!(fields(&enrollment), ["algorithm", "digits", "otpauth_uri", "period_seconds", "secret"]);
    assert_eq!(
        (&enrollment["algorithm"], &enrollment["digits"], &enrollment["period_seconds"]),
        (&json!("SHA1"), &json!(6), &json!(30))
    );
    assert!(enrollment["otpauth_uri"].as_str().unwrap().starts_with("otpauth://totp/driftstack:olive%40example.com?"));
    assert_eq!(olive.get("/v1/account/mfa").await.expect(200), none, "it does not ask before its first code");
    assert!(log_in(&olive).await["session"].is_object());

    let enrolled_at = house.now();
    let phone = Phone::of(&olive).await;
    let distinct: HashSet<_> = phone.recovery.iter().collect();
    assert_eq!(distinct.len(), 10);
    assert!(distinct.iter().all(|code| code.len() == 11 && code.as_bytes()[5] == b'-'));
    assert_eq!(
        olive.get("/v1/account/mfa").await.expect(200),
        json!({ "enrolled": true, "enrolled_at": enrolled_at, "last_used_at": null, "unused_recovery_codes": 10 })
    );
    assert_eq!(olive.get("/v1/account/me").await.expect(200)["mfa_enrolled"], true);
    olive.post("/v1/account/mfa/enroll", json!({})).await.refused(409, "conflict");

    let challenge = log_in(&olive).await;
    assert_eq!(fields(&challenge), ["challenge_expires_at", "challenge_token", "mfa_required"]);
    assert_eq!(challenge["challenge_expires_at"], json!(house.now().plus(5 * MINUTE)));
    let signed_in = answer(&house, HERE, &challenge, ("code", &phone.code(house.now()))).await.expect(200);
    assert_eq!((fields(&signed_in), &signed_in["via"]), (vec!["session", "via"], &json!("totp")));
    let olive = olive.with_token(&signed_in["session"]["token"]);
    let log = olive.get("/v1/account/audit-log").await.expect(200);
    assert_eq!(
        (&log["data"][0]["action"], &log["data"][0]["payload"]["via"]),
        (&json!("account.login"), &json!("totp"))
    );
    assert!(house.mails(&olive.email, 1).await[0].contains("second factor"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_and_a_challenge_are_good_once() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let phone = Phone::of(&olive).await;
    let (first, second) = (log_in(&olive).await, log_in(&olive).await);
    let code = phone.code(house.now());
    answer(&house, HERE, &first, ("code", &code)).await.expect(200);
    answer(&house, HERE, &second, ("code", &code)).await.refused(400, "validation-failed");
    house.pass(STEP);
    answer(&house, HERE, &first, ("code", &phone.code(house.now()))).await.refused(400, "invalid-auth-token");
    // The wrong answer did not cost the challenge.
    answer(&house, HERE, &second, ("code", &phone.code(house.now()))).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_may_be_a_period_early_or_late() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let phone = Phone::of(&olive).await;
    house.pass(10 * MINUTE);
    let at = |seconds: i64| Timestamp::from_millis(house.now().millis() + seconds * 1000).unwrap();
    let challenge = log_in(&olive).await;
    for far in [-60, 60] {
        let refused = answer(&house, HERE, &challenge, ("code", &phone.code(at(far)))).await;
        let problem = refused.refused(400, "validation-failed");
        assert_eq!(problem["issues"][0]["path"], "code");
    }
    answer(&house, HERE, &challenge, ("code", &phone.code(at(-30)))).await.expect(200);
    let challenge = log_in(&olive).await;
    answer(&house, HERE, &challenge, ("code", &phone.code(at(30)))).await.expect(200);
    let challenge = log_in(&olive).await;
    let between = answer(&house, HERE, &challenge, ("code", &phone.code(at(0)))).await;
    between.refused(400, "validation-failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_good_where_it_was_made_and_for_five_minutes() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let phone = Phone::of(&olive).await;
    let challenge = log_in(&olive).await;
    let code = phone.code(house.now());
    let elsewhere = answer(&house, ELSEWHERE, &challenge, ("code", &code)).await.refused(400, "invalid-auth-token");
    let made_up = json!({ "challenge_token": "a".repeat(43) });
    let unknown = answer(&house, HERE, &made_up, ("code", &code)).await.refused(400, "invalid-auth-token");
    assert_eq!(elsewhere["detail"], unknown["detail"], "the token alone tells nothing");
    house.pass(5 * MINUTE);
    let late = answer(&house, HERE, &challenge, ("code", &phone.code(house.now()))).await;
    late.refused(400, "invalid-auth-token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_works_once_however_it_is_typed() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let phone = Phone::of(&olive).await;
    let challenge = log_in(&olive).await;
    let typed = phone.recovery[2].to_lowercase().replace('-', " ");
    let signed_in = answer(&house, HERE, &challenge, ("recovery_code", &typed)).await.expect(200);
    assert_eq!(signed_in["via"], "recovery_code");
    let again = log_in(&olive).await;
    let refused = answer(&house, HERE, &again, ("recovery_code", &phone.recovery[2])).await;
    assert_eq!(refused.refused(400, "validation-failed")["issues"][0]["path"], "recovery_code");
    assert_eq!(olive.get("/v1/account/mfa").await.expect(200)["unused_recovery_codes"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_one_of_the_two() {
    let house = House::open().await;
    let token = "a".repeat(43);
    for body in [
        json!({ "challenge_token": token }),
        json!({ "challenge_token": token, "code": "123456", "recovery_code": "ABCDE-FGHJK" }),
        json!({ "challenge_token": token, "code": "12345" }),
        json!({ "challenge_token": token, "recovery_code": "ABCDE" }),
        json!({ "challenge_token": token, "kode": "123456" }),
    ] {
        house.post("/v1/auth/mfa/challenge", body).await.refused(400, "validation-failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_codes_pause_the_factor_and_mail_the_owner_once() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let phone = Phone::of(&olive).await;
    let wrong = phone.code(house.now().plus(60 * MINUTE));
    for _ in 0..10 {
        olive.post("/v1/auth/mfa/step-up", json!({ "code": wrong })).await.refused(400, "validation-failed");
    }
    for _ in 0..3 {
        let right = json!({ "code": phone.code(house.now()) });
        let paused = olive.post("/v1/auth/mfa/step-up", right).await;
        assert_eq!(paused.header("retry-after"), "900");
        paused.refused(429, "rate-limited");
    }
    let challenge = log_in(&olive).await;
    let by_recovery = answer(&house, HERE, &challenge, ("recovery_code", &phone.recovery[0])).await;
    by_recovery.refused(429, "rate-limited");
    let mails = house.mails(&olive.email, 2).await;
    assert_eq!(mails.iter().filter(|mail| mail.contains("Too many wrong codes")).count(), 1);
    house.pass(15 * MINUTE);
    olive.post("/v1/auth/mfa/step-up", json!({ "code": phone.code(house.now()) })).await.expect(200);
    assert_eq!(olive.log().await.iter().filter(|action| *action == "account.mfa_paused").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dangerous_asks_for_a_fresh_proof() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let phone = Phone::of(&olive).await;
    let challenge = log_in(&olive).await;
    let signed_in = answer(&house, HERE, &challenge, ("recovery_code", &phone.recovery[0])).await.expect(200);
    let browser = olive.with_token(&signed_in["session"]["token"]);
    let regenerate = "/v1/account/mfa/recovery-codes/regenerate";
    browser.post(regenerate, json!({})).await.expect(200);
    house.pass(15 * MINUTE);
    let expired = browser.post(regenerate, json!({})).await.refused(403, "mfa-step-up-required");
    assert_eq!((&expired["requires_mfa_step_up"], &expired["reason"]), (&json!(true), &json!("expired")));
    let proven = browser.post("/v1/auth/mfa/step-up", json!({ "code": phone.code(house.now()) })).await.expect(200);
    assert_eq!(proven, json!({ "via": "totp", "mfa_satisfied_at": house.now() }));
    let fresh = browser.post(regenerate, json!({})).await.expect(200)["recovery_codes"].clone();
    assert_eq!(fresh.as_array().unwrap().len(), 10);

    browser.post("/v1/auth/step-up", json!({ "password": PASSWORD })).await.refused(409, "conflict");
    let key = browser.key(&["account_owner"]).await;
    key.post("/v1/auth/mfa/step-up", json!({ "code": "123456" })).await.refused(403, "forbidden");
    key.post(regenerate, json!({})).await.refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_given_up_by_whoever_says_so() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    Phone::of(&olive).await;
    let disable = async |method: Method, path: &str, body: Value| send(olive.request(method, path).json(&body)).await;
    let (path, said) = ("/v1/account/mfa", json!({ "confirm": "disable-mfa" }));
    for unsaid in [json!({}), json!({ "confirm": "yes" }), json!({ "confirm": 7 })] {
        disable(Method::DELETE, path, unsaid).await.refused(400, "validation-failed");
    }
    disable(Method::DELETE, path, said.clone()).await.expect(204);
    // A client that saw no answer asks again, and may know the other path.
    disable(Method::DELETE, path, said.clone()).await.expect(204);
    disable(Method::POST, "/v1/account/mfa/disable", said).await.expect(204);
    assert!(log_in(&olive).await["session"].is_object());
    olive.post("/v1/account/mfa/recovery-codes/regenerate", json!({})).await.refused(404, "not-found");
    assert_eq!(olive.log().await.iter().filter(|action| *action == "account.mfa_disabled").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_factor_proves_itself_with_its_password() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let disable = json!({ "confirm": "disable-mfa" });
    let never = olive.post("/v1/account/mfa/disable", disable.clone()).await.refused(403, "mfa-step-up-required");
    assert_eq!(never["reason"], "never_satisfied");
    olive.post("/v1/auth/step-up", json!({ "password": "not the password" })).await.refused(401, "invalid-credentials");
    olive.post("/v1/auth/mfa/step-up", json!({ "code": "123456" })).await.refused(409, "conflict");
    let proven = olive.post("/v1/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
    assert_eq!(proven, json!({ "via": "password", "mfa_satisfied_at": house.now() }));
    olive.post("/v1/account/mfa/disable", disable).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_member_minted_sees_nothing_of_it() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    let key = ada.key_on(&olive.id, &["read"]).await;
    key.get("/v1/account/mfa").await.refused(403, "forbidden");
    let own = olive.key(&["read"]).await;
    assert_eq!(own.get("/v1/account/mfa").await.expect(200)["enrolled"], false);
}
