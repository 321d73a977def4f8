//! `Idempotency-Key`.

use std::{collections::HashSet, time::Duration};

use driftstack::http::{self, openapi};
use driftstack_domain::policy::Action;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Answer, House, Person, send};

const KEYS: &str = "/v1/api-keys";

fn ci() -> Value {
    json!({ "name": "ci", "scopes": ["read"] })
}

/// Creates under a key.
async fn create(by: &Person<'_>, path: &str, key: &str, body: &Value) -> Answer {
    send(by.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

fn is_replay(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotency-replayed")
}

async fn minted(by: &Person<'_>) -> usize {
    by.get("/v1/api-keys?limit=100").await.expect(200)["data"].as_array().unwrap().len()
}

/// What a `POST` does that creates nothing, or what only somebody without a credential asks for.
const WITHOUT_A_KEY: [Action; 28] = [
    // The address can be taken once.
    Action::SignUp,
    Action::VerifyEmail,
    Action::ResendVerification,
    Action::LogIn,
    Action::RefreshSession,
    Action::LogOut,
    Action::RequestMagicLink,
    Action::FollowMagicLink,
    Action::RequestReset,
    Action::ChangeEmail,
    Action::ConfirmEmailChange,
    Action::ResetPassword,
    Action::AnswerChallenge,
    Action::StepUpWithCode,
    Action::StepUpWithPassword,
    // A factor that waits is replaced by the next one; nobody can read the secret again.
    Action::EnrollMfa,
    Action::VerifyMfa,
    Action::DisableMfa,
    Action::RegenerateRecoveryCodes,
    // The newer picture counts.
    Action::UploadAvatar,
    // What staff set is set, however often.
    Action::SetTier,
    Action::SetPlan,
    Action::SuspendAccount,
    Action::UnsuspendAccount,
    Action::TransferOwnership,
    // What waits already is not made to wait twice.
    Action::ReplayDelivery,
    // What nobody collects goes away by itself.
    Action::InitiateDevice,
    Action::ExchangeDevice,
];

#[test]
fn every_post_that_creates_takes_a_key() {
    for route in http::api().routes() {
        let (operation, _) = openapi::describe(route);
        let parameters = operation["parameters"].as_array().unwrap();
        let takes_a_key = parameters.iter().any(|parameter| parameter["name"] == "idempotency-key");
        let creates = route.method == "POST" && !WITHOUT_A_KEY.contains(&route.action);
        assert_eq!(takes_a_key, creates, "{} {}", route.method, route.path);
        assert!(operation["responses"].get("201").is_none() || takes_a_key, "{} {}", route.method, route.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_same_answer_and_creates_nothing() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let first = create(&olive, KEYS, "nightly", &ci()).await;
    let again = create(&olive, KEYS, "nightly", &ci()).await;
    assert_eq!((first.status, is_replay(&first)), (201, false));
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.text, first.text);
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_eq!(minted(&olive).await, 1);
    olive.with_token(&again.json()["plaintext"]).get("/v1/account/me").await.expect(200);

    house.pass(Duration::from_hours(24));
    let tomorrow = create(&olive, KEYS, "nightly", &ci()).await;
    assert_eq!((tomorrow.status, is_replay(&tomorrow)), (201, false));
    assert_ne!(tomorrow.json()["id"], first.json()["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_creation_can_be_repeated() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let key = create(&olive, KEYS, "k", &ci()).await.json()["id"].clone();
    let rotate = format!("{KEYS}/{}/rotate", key.as_str().unwrap());
    create(&olive, "/v1/team/invites", "k", &json!({ "email": ada.email })).await.expect(202);
    house.mails(&ada.email, 1).await;
    let invite = olive.get("/v1/team/invites").await.expect(200)["data"][0]["id"].clone();
    let resend = format!("/v1/team/invites/{}/resend", invite.as_str().unwrap());
    create(&olive, &resend, "k", &json!({})).await.expect(202);
    house.mails(&ada.email, 2).await;
    let token = json!({ "token": house.mailed_token(&ada.email).await });
    let accept = "/v1/team/invites/accept";
    let accepted = create(&ada, accept, "k", &token).await;
    let log = olive.log().await;
    let again = [
        create(&olive, "/v1/team/invites", "k", &json!({ "email": ada.email })).await,
        create(&olive, &resend, "k", &json!({})).await,
        create(&ada, accept, "k", &token).await,
    ];
    assert_eq!(
        again.each_ref().map(|answer| (answer.status, is_replay(answer))),
        [(202, true), (202, true), (200, true)]
    );
    assert_eq!(again[2].text, accepted.text);
    assert_eq!(olive.log().await, log);
    assert_eq!(house.mails_now(&ada.email).len(), 2);
    let rotated = create(&olive, &rotate, "k", &json!({})).await.expect(201);
    assert_eq!(create(&olive, &rotate, "k", &json!({})).await.expect(201), rotated);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_for_one_request() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let minted = create(&olive, KEYS, "k", &ci()).await.expect(201);
    let other = create(&olive, KEYS, "k", &json!({ "name": "cd", "scopes": ["read"] })).await.refused(409, "conflict");
    assert_eq!(other["idempotency_status"], "mismatch");
    // Another operation is another matter, another path of one operation is not.
    let [one, two] = [&minted["id"], &json!("key_0192f0c1-2345-7000-8000-00000000dead")]
        .map(|id| format!("{KEYS}/{}/rotate", id.as_str().unwrap()));
    create(&olive, &one, "k", &json!({})).await.expect(201);
    let other = create(&olive, &two, "k", &json!({})).await.refused(409, "conflict");
    assert_eq!(other["idempotency_status"], "mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_its_caller() {
    let house = House::open().await;
    let (olive, ada, bo) = (house.person("olive").await, house.person("ada").await, house.person("bo").await);
    house.join(&olive, &ada, "admin").await;
    create(&olive, KEYS, "k", &ci()).await.expect(201);
    for other in [&bo, &ada] {
        let own = create(other, KEYS, "k", &ci()).await;
        assert_eq!((own.status, is_replay(&own)), (201, false));
    }
    let guest = send(
        ada.request(Method::POST, KEYS)
            .header("x-driftstack-account", &olive.id)
            .header("idempotency-key", "k")
            .json(&ci()),
    );
    let guests = guest.await;
    assert_eq!((guests.status, is_replay(&guests)), (201, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_given_again_only_to_whoever_may_still_ask() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let membership = house.join(&olive, &ada, "admin").await;
    let mint = async || {
        let request = ada.request(Method::POST, KEYS).header("x-driftstack-account", &olive.id);
        send(request.header("idempotency-key", "k").json(&ci())).await
    };
    mint().await.expect(201);
    let path = format!("/v1/team/members/{}", membership["id"].as_str().unwrap());
    olive.patch(&path, json!({ "role": "member" })).await.expect(200);
    mint().await.refused(403, "forbidden");
    olive.delete(&path).await.expect(204);
    mint().await.refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_may_be_put_right_under_the_same_key() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for wrong in
        [json!({ "name": "ci", "scopes": [] }), json!({ "name": "ci", "scopes": ["driftstack_internal_admin"] })]
    {
        assert!(create(&olive, KEYS, "k", &wrong).await.status < 404);
    }
    let right = create(&olive, KEYS, "k", &ci()).await;
    assert_eq!((right.status, is_replay(&right)), (201, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_key_is_none_and_a_malformed_one_is_refused() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for blank in ["", "   "] {
        create(&olive, KEYS, blank, &ci()).await.expect(201);
    }
    assert_eq!(minted(&olive).await, 2);
    create(&olive, KEYS, &"k".repeat(255), &ci()).await.expect(201);
    for malformed in [&"k".repeat(256), "schl\u{fc}ssel", "a\tb"] {
        let refused = create(&olive, KEYS, malformed, &ci()).await.refused(400, "bad-request");
        assert!(refused["detail"].as_str().unwrap().contains("Idempotency-Key"), "{refused}");
    }
    let twice = olive.request(Method::POST, KEYS).header("idempotency-key", "a").header("idempotency-key", "b");
    send(twice.json(&ci())).await.refused(400, "bad-request");
    assert_eq!(minted(&olive).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_creates() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let body = ci();
    let answers = join_all((0..16).map(|_| create(&olive, KEYS, "k", &body))).await;
    let done: HashSet<&str> = answers.iter().filter(|it| it.status == 201).map(|it| it.text.as_str()).collect();
    assert_eq!(done.len(), 1, "{answers:?}");
    for busy in answers.iter().filter(|answer| answer.status != 201) {
        let problem = busy.clone().refused(409, "conflict");
        assert_eq!(problem["idempotency_status"], "in_progress");
        assert_eq!(busy.header("retry-after"), "1");
    }
    assert_eq!(minted(&olive).await, 1);
}
