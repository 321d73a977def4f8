//! Two dialects, one set of rules: the same credential reaches the same workspace and is refused the same.

use driftstack_domain::tier::Plan;
use reqwest::Method;
use serde_json::json;

use super::{KEYS, ME, ORG, give_role, go, key, together};
use crate::fixture::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_either_dialect_opens_both() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Professional).await;
    let (ours, theirs) = (olive.key(&["account_owner"]).await, key(&olive).await);
    assert!(ours.token.starts_with("ds_live_") && theirs.token.starts_with("bs_live_"));
    for by in [&ours, &theirs] {
        assert_eq!(by.get("/v1/whoami").await.expect(200)["account_id"], olive.id);
        assert_eq!(by.get(ME).await.data(200)["email"], olive.email);
        assert_eq!(by.get("/v1/api-keys").await.expect(200)["data"].as_array().unwrap().len(), 2);
        assert_eq!(by.get(KEYS).await.data(200)["api_keys"].as_array().unwrap().len(), 2);
    }
    let id = theirs.get("/v1/api-keys").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    olive.delete(&format!("/v1/api-keys/{id}")).await.expect(204);
    theirs.get("/v1/whoami").await.refused(401, "revoked-key");
    theirs.get(ME).await.error(401, "AUTH_REQUIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_changes_the_other_shows() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Professional).await;
    olive.put(ORG, json!({ "name": "Acme" })).await.data(200);
    let team = olive.get("/v1/teams").await.expect(200)["data"][0].clone();
    assert_eq!(team["name"], "Acme");
    olive
        .patch(&format!("/v1/teams/{}", team["id"].as_str().unwrap()), json!({ "name": "Acme & Co" }))
        .await
        .expect(200);
    assert_eq!(olive.get(ME).await.data(200)["org_name"], "Acme & Co");
    olive.put(ME, json!({ "name": "Olive O." })).await.data(200);
    assert_eq!(olive.get("/v1/account/me").await.expect(200)["name"], "Olive O.");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_refuses_the_other_refuses() {
    let house = House::open().await;
    let (olive, ada, membership) = together(&house, "admin").await;
    let mint = json!({ "name": "x", "scopes": ["read"] });
    let keys = async |who: &crate::fixture::Person<'_>| {
        let there = who.on(&olive.id, Method::POST, "/v1/api-keys", Some(mint.clone())).await;
        (there.status, who.post(KEYS, mint.clone()).await.status)
    };
    assert_eq!(keys(&ada).await, (201, 201));
    for scopes in [["read"], ["write"], ["read:api-keys"]] {
        let lent = ada.key_on(&olive.id, &scopes).await;
        let there = lent.post("/v1/api-keys", mint.clone()).await;
        assert_eq!((there.status, lent.post(KEYS, mint.clone()).await.status), (403, 403), "{scopes:?}");
        let (there, here) = (lent.get("/v1/api-keys").await.status, lent.get(KEYS).await.status);
        assert_eq!(there, here, "{scopes:?}");
    }
    give_role(&olive, &membership, "member").await;
    assert_eq!(keys(&ada).await, (403, 403));
    olive.delete(&format!("/v1/team/members/{membership}")).await.expect(204);
    ada.on(&olive.id, Method::GET, "/v1/api-keys", None).await.refused(403, "forbidden");
    assert_eq!(ada.get(ME).await.data(200)["role"], "owner", "and in this dialect Ada is at home");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_active_organisation_is_of_one_dialect_alone() {
    let house = House::open().await;
    let (olive, ada, _) = together(&house, "member").await;
    assert_eq!(ada.get("/v1/teams").await.expect(200)["data"][0]["name"], "ada");
    assert_eq!(ada.get("/v1/whoami").await.expect(200)["account_id"], ada.id);
    ada.post("/v1/api-keys", json!({ "name": "own", "scopes": ["read"] })).await.expect(201);
    assert_eq!(olive.get(KEYS).await.data(200)["api_keys"], json!([]));
    go(&ada, &ada).await;
}
