//! Keys of an organisation.

use driftstack_domain::tier::Plan;
use reqwest::Method;
use serde_json::json;

use super::{KEYS, ME, key, say};
use crate::fixture::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_minted_listed_and_revoked() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Professional).await;
    let minted = olive.post(KEYS, json!({ "name": "ci", "expires_at": "2027-01-01T00:00:00Z" })).await.data(201);
    let text = minted["key"].as_str().unwrap();
    assert!(
        text.starts_with("bs_live_") && text.len() == 58 && text.starts_with(minted["key_prefix"].as_str().unwrap())
    );
    assert_eq!((&minted["scopes"], &minted["expires_at"]), (&json!(["account_owner"]), &json!("2027-01-01T00:00:00Z")));
    let ci = olive.with_token(&minted["key"]);
    ci.get(ME).await.data(200);
    let listed = olive.get(KEYS).await.data(200)["api_keys"].clone();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &minted["id"]));
    assert!(!listed.to_string().contains(text), "its text is shown once");
    let path = format!("{KEYS}/{}", minted["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(olive.delete(&path).await.data(200), json!({ "id": minted["id"], "revoked": true }));
    }
    ci.get(ME).await.error(401, "AUTH_REQUIRED");
    assert_eq!(olive.get(KEYS).await.data(200)["api_keys"][0]["revoked_at"], "2026-05-12T13:00:00Z");
    let log = olive.log().await;
    assert_eq!(log.iter().filter(|it| *it == "api_key.minted" || *it == "api_key.revoked").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_another_prefix_or_checksum_is_nobodys() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Professional).await;
    let ci = key(&olive).await;
    for token in [ci.token.replacen("bs_", "ds_", 1), ci.token.replacen("bs_", "cs_", 1), ci.token[..57].to_owned()] {
        let stranger = olive.with_token(&json!(token));
        stranger.get(ME).await.error(401, "AUTH_REQUIRED");
        stranger.get("/v1/whoami").await.refused(401, "invalid-key");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_read_page_by_page() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Professional).await;
    for _ in 0..3 {
        key(&olive).await;
    }
    let first = olive.get(&format!("{KEYS}?limit=2")).await.data(200);
    assert_eq!((first["api_keys"].as_array().unwrap().len(), &first["has_more"]), (2, &json!(true)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = olive.get(&format!("{KEYS}?limit=2&cursor={cursor}")).await.data(200);
    assert_eq!((rest["api_keys"].as_array().unwrap().len(), &rest["has_more"]), (1, &json!(false)));
    olive.get(&format!("/v1/api-keys?cursor={cursor}")).await.refused(400, "validation-failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_again_gets_the_same_key_in_an_envelope_of_its_own() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Professional).await;
    let mint = async |name: &str| {
        say(olive.request(Method::POST, KEYS).header("idempotency-key", "k").json(&json!({ "name": name }))).await
    };
    let (first, again) = (mint("ci").await, mint("ci").await);
    assert_eq!((again.header("idempotency-replayed"), first.headers.get("idempotency-replayed")), ("true", None));
    assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
    let data = |text: &str| text.split_once("\"data\":").unwrap().1.to_owned();
    assert_eq!(data(&first.text), data(&again.text), "byte for byte");
    assert_eq!(first.data(201), again.data(201));
    let other = mint("another").await.error(409, "CONFLICT");
    assert_eq!((&other["detail"], &other["retryable"]), (&json!({ "idempotency_status": "mismatch" }), &json!(false)));
}
