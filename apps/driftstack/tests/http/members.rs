use reqwest::Method;
use serde_json::json;

use crate::fixture::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_role_change_takes_effect_on_the_next_request() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let membership = house.join(&olive, &ada, "member").await;
    let path = format!("/v1/team/members/{}", membership["id"].as_str().unwrap());
    let mint = json!({ "name": "ci", "scopes": ["read"] });

    let problem = ada.on(&olive.id, Method::POST, "/v1/api-keys", Some(mint.clone())).await.refused(403, "forbidden");
    assert_eq!(problem["detail"], "your role here is `member`; `admin` is needed");
    let changed = olive.patch(&path, json!({ "role": "admin" })).await.expect(200);
    assert_eq!(changed["membership"]["role"], "admin");
    let key = ada.on(&olive.id, Method::POST, "/v1/api-keys", Some(mint.clone())).await.expect(201);

    olive.patch(&path, json!({ "role": "member" })).await.expect(200);
    ada.on(&olive.id, Method::POST, "/v1/api-keys", Some(mint)).await.refused(403, "forbidden");
    let key = ada.with_token(&key["plaintext"]);
    key.get("/v1/account/me").await.expect(200);
    key.put("/v1/account/email-preferences", json!({ "event_type": "tier-changed", "opted_in": false }))
        .await
        .refused(403, "forbidden");
    assert_eq!(olive.log().await.iter().filter(|action| *action == "team.member_role_changed").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_role_again_is_no_change_and_no_entry() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let membership = house.join(&olive, &ada, "admin").await;
    let path = format!("/v1/team/members/{}", membership["id"].as_str().unwrap());
    assert_eq!(olive.patch(&path, json!({ "role": "admin" })).await.expect(200)["membership"], membership);
    assert!(!olive.log().await.contains(&"team.member_role_changed".to_owned()));
    olive.patch(&path, json!({ "role": "owner" })).await.refused(400, "validation-failed");
    olive.patch(&path, json!({})).await.refused(400, "validation-failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_and_the_keys_they_minted_are_out_at_once() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let membership = house.join(&olive, &ada, "admin").await;
    let path = format!("/v1/team/members/{}", membership["id"].as_str().unwrap());
    let adas_key = ada.key_on(&olive.id, &["read"]).await;
    let olives_key = olive.key(&["read"]).await;
    adas_key.get("/v1/account/me").await.expect(200);

    olive.delete(&path).await.expect(204);
    adas_key.get("/v1/account/me").await.refused(401, "revoked-key");
    olives_key.get("/v1/account/me").await.expect(200);
    ada.on(&olive.id, Method::GET, "/v1/api-keys", None).await.refused(403, "forbidden");
    assert_eq!(olive.get("/v1/team/members").await.expect(200)["data"], json!([]));

    let entry = olive.get("/v1/account/audit-log?action=team.member_removed").await.expect(200)["data"][0].clone();
    assert_eq!(entry["payload"]["revoked_api_keys"].as_array().unwrap().len(), 1);
    assert_eq!((&entry["payload"]["left"], &entry["actor_account_id"]), (&json!(false), &json!(olive.id)));

    olive.delete(&path).await.expect(204);
    olive.patch(&path, json!({ "role": "admin" })).await.refused(404, "not-found");
    house.join(&olive, &ada, "member").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_received_by_rotation_goes_with_the_member() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let membership = house.join(&olive, &ada, "admin").await;
    olive.key(&["read"]).await;
    let id = olive.get("/v1/api-keys").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let rotated =
        ada.on(&olive.id, Method::POST, &format!("/v1/api-keys/{id}/rotate"), Some(json!({}))).await.expect(201);
    assert_eq!(rotated["minted_by_account_id"], json!(ada.id));
    olive.delete(&format!("/v1/team/members/{}", membership["id"].as_str().unwrap())).await.expect(204);
    ada.with_token(&rotated["plaintext"]).get("/v1/account/me").await.refused(401, "revoked-key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_sees_the_team_and_may_leave_it() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let membership = house.join(&olive, &ada, "member").await;
    let owners = ada.get("/v1/team/owners").await.expect(200);
    let expected = json!([{
        "owner_account_id": olive.id, "owner_email": "olive@example.com", "owner_name": "olive", "role": "member",
        "membership_id": membership["id"],
    }]);
    assert_eq!(owners["data"], expected);
    assert_eq!(ada.get("/v1/account/me").await.expect(200)["teams"], expected);

    let path = format!("/v1/team/owners/{}", membership["id"].as_str().unwrap());
    olive.delete(&path).await.refused(404, "not-found");
    ada.delete(&path).await.expect(204);
    ada.delete(&path).await.expect(204);
    assert_eq!(ada.get("/v1/team/owners").await.expect(200)["data"], json!([]));
    let entry = olive.get("/v1/account/audit-log?action=team.member_removed").await.expect(200)["data"][0].clone();
    assert_eq!((&entry["payload"]["left"], &entry["actor_account_id"]), (&json!(true), &json!(ada.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_teams_members_are_not_there() {
    let house = House::open().await;
    let (olive, ada, bo) = (house.person("olive").await, house.person("ada").await, house.person("bo").await);
    let membership = house.join(&olive, &ada, "admin").await;
    let path = format!("/v1/team/members/{}", membership["id"].as_str().unwrap());
    for person in [&bo, &ada] {
        person.delete(&path).await.refused(404, "not-found");
        person.patch(&path, json!({ "role": "admin" })).await.refused(404, "not-found");
    }
    olive.delete(&format!("/v1/team/members/{}", ada.id)).await.refused(400, "bad-request");
    assert_eq!(olive.get("/v1/team/members").await.expect(200)["data"].as_array().unwrap().len(), 1);
}
