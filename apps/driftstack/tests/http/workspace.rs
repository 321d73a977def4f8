//! Acting on the workspace of a team's owner.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::House;

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_for_every_member_and_writes_for_admins() {
    let house = House::open().await;
    let (olive, ada, max) = (house.person("olive").await, house.person("ada").await, house.person("max").await);
    house.join(&olive, &ada, "admin").await;
    house.join(&olive, &max, "member").await;
    for path in
        ["/v1/api-keys", "/v1/account/audit-log", "/v1/account/audit-log/export", "/v1/account/email-preferences"]
    {
        for person in [&ada, &max] {
            person.on(&olive.id, Method::GET, path, None).await.expect(200);
        }
    }
    let preference = json!({ "event_type": "billing-receipt", "opted_in": false });
    let path = "/v1/account/email-preferences";
    max.on(&olive.id, Method::PUT, path, Some(preference.clone())).await.refused(403, "forbidden");
    ada.on(&olive.id, Method::PUT, path, Some(preference)).await.expect(204);

    let changed =
        |answer: Value| answer["data"].as_array().unwrap().iter().filter(|p| p["opted_in"] == json!(false)).count();
    assert_eq!(changed(olive.get(path).await.expect(200)), 1);
    assert_eq!(changed(ada.get(path).await.expect(200)), 0, "Ada's own preferences are as they were");

    let entry = olive.get("/v1/account/audit-log?limit=1").await.expect(200)["data"][0].clone();
    assert_eq!(entry["action"], "account.email_preferences_changed");
    assert_eq!((&entry["account_id"], &entry["actor_account_id"]), (&json!(olive.id), &json!(ada.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_workspace_of_ones_own_is_refused_without_telling_why() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let never = "acc_0192f0c1-2345-7000-8000-00000000dead";
    let mut told = Vec::new();
    for workspace in [olive.id.as_str(), never] {
        let mut problem = bo.on(workspace, Method::GET, "/v1/api-keys", None).await.refused(403, "forbidden");
        problem["instance"].take();
        told.push(problem);
    }
    assert_eq!(told[0], told[1]);
    for malformed in ["rubbish", "acc_1", "", &olive.id.to_uppercase(), &olive.id.replace("acc_", "key_")] {
        bo.on(malformed, Method::GET, "/v1/api-keys", None).await.refused(400, "bad-request");
    }
    bo.on(&bo.id, Method::GET, "/v1/api-keys", None).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_on_a_workspace_does_not_widen_a_key() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    let reader = ada.key(&["read:api-keys"]).await;
    reader.on(&olive.id, Method::GET, "/v1/api-keys", None).await.expect(200);
    reader.on(&olive.id, Method::GET, "/v1/account/audit-log", None).await.refused(403, "forbidden");
    reader
        .on(&olive.id, Method::POST, "/v1/api-keys", Some(json!({ "name": "x", "scopes": ["read:api-keys"] })))
        .await
        .refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_mints_no_ownership_on_the_owners_account() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    for scope in ["account_owner", "admin", "admin:webhooks"] {
        let body = json!({ "name": "x", "scopes": [scope] });
        let problem = ada.on(&olive.id, Method::POST, "/v1/api-keys", Some(body)).await.refused(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains(scope), "{problem}");
    }
    olive.key(&["account_owner"]).await;
    let id = olive.get("/v1/api-keys").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    ada.on(&olive.id, Method::POST, &format!("/v1/api-keys/{id}/rotate"), Some(json!({})))
        .await
        .refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_member_minted_is_the_owners_in_the_members_hands() {
    let house = House::open().await;
    let (olive, ada, bo) = (house.person("olive").await, house.person("ada").await, house.person("bo").await);
    house.join(&olive, &ada, "admin").await;
    house.join(&bo, &olive, "admin").await;
    let key = ada.key_on(&olive.id, &["read", "write"]).await;
    assert_eq!(key.get("/v1/whoami").await.expect(200)["account_id"], json!(olive.id));
    let me = key.get("/v1/account/me").await.expect(200);
    assert_eq!((&me["id"], &me["mfa_enrolled"]), (&json!(olive.id), &Value::Null));
    key.put("/v1/account/email-preferences", json!({ "event_type": "tier-changed", "opted_in": false }))
        .await
        .expect(204);
    let entry = olive.get("/v1/account/audit-log?limit=1").await.expect(200)["data"][0].clone();
    assert_eq!(entry["actor_account_id"], json!(ada.id));
    assert!(entry["actor_key_id"].as_str().unwrap().starts_with("key_"));

    key.post("/v1/team/invites", json!({ "email": "x@example.com" })).await.refused(403, "forbidden");
    let problem = key.on(&bo.id, Method::GET, "/v1/api-keys", None).await.refused(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("minted by a member"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_teams_own_business_ignores_the_header() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    let members = ada.on(&olive.id, Method::GET, "/v1/team/members", None).await.expect(200);
    assert_eq!(members["data"], json!([]), "Ada's own team has no members");
    ada.on(&olive.id, Method::POST, "/v1/team/invites", Some(json!({ "email": "x@example.com" }))).await.expect(202);
    assert_eq!(olive.get("/v1/team/invites").await.expect(200)["data"], json!([]));
}
