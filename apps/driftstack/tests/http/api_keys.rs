use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{House, fields};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_listed_without_its_text() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let minted = olive
        .post("/v1/api-keys", json!({ "name": "ci", "scopes": ["read", "read", "write:profiles"] }))
        .await
        .expect(201);
    let plaintext = minted["plaintext"].as_str().unwrap();
    assert!(plaintext.starts_with("ds_live_") && plaintext.starts_with(minted["key_prefix"].as_str().unwrap()));
    assert_eq!(minted["scopes"], json!(["read", "write:profiles"]));

    let listed = olive.get("/v1/api-keys").await.expect(200);
    assert!(!listed.to_string().contains(plaintext));
    let key = &listed["data"][0];
    assert_eq!(
        fields(key),
        [
            "created_at",
            "expires_at",
            "id",
            "key_prefix",
            "last_used_at",
            "minted_by_account_id",
            "minted_with",
            "name",
            "revoked_at",
            "scopes"
        ]
    );
    assert_eq!((&key["id"], &key["last_used_at"], &key["revoked_at"]), (&minted["id"], &Value::Null, &Value::Null));
    assert_eq!(key["minted_by_account_id"], json!(olive.id));
    assert_eq!(olive.log().await[0], "api_key.minted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_noted() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let key = olive.key(&["read:api-keys"]).await;
    key.get("/v1/api-keys").await.expect(200);
    for _ in 0..200 {
        let seen = olive.get("/v1/api-keys").await.expect(200)["data"][0]["last_used_at"].clone();
        if seen == json!(house.now()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the use was not noted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_order_mints_nothing() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for (body, path) in [
        (json!({ "name": "ci", "scopes": [] }), "scopes"),
        (json!({ "name": "ci" }), "scopes"),
        (json!({ "name": "ci", "scopes": ["read:teams"] }), "scopes[0]"),
        (json!({ "name": "", "scopes": ["read"] }), "name"),
        (json!({ "name": "ci", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
        (json!({ "name": "ci", "scopes": ["read"], "expires_at": "tomorrow" }), "expires_at"),
        (json!({ "name": "ci", "scopes": ["read"], "expiry": null }), "expiry"),
    ] {
        let problem = olive.post("/v1/api-keys", body).await.refused(400, "validation-failed");
        assert_eq!(problem["issues"][0]["path"], path);
    }
    assert_eq!(olive.get("/v1/api-keys").await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_a_scope_they_do_not_have() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let staff = json!({ "name": "ci", "scopes": ["read", "driftstack_internal_admin"] });
    let problem = olive.post("/v1/api-keys", staff).await.refused(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("`driftstack_internal_admin`"));
    olive
        .key(&["read"])
        .await
        .post("/v1/api-keys", json!({ "name": "x", "scopes": ["read"] }))
        .await
        .refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_for_a_key_to_be_wrong_has_its_own_name() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let expires_at = house.now().plus(HOUR);
    let minted = olive
        .post("/v1/api-keys", json!({ "name": "ci", "scopes": ["read"], "expires_at": expires_at }))
        .await
        .expect(201);
    let key = olive.with_token(&minted["plaintext"]);
    key.get("/v1/whoami").await.expect(200);
    house.pass(HOUR);
    key.get("/v1/whoami").await.refused(401, "expired-key");

    let id = minted["id"].as_str().unwrap();
    olive.delete(&format!("/v1/api-keys/{id}")).await.expect(204);
    olive.delete(&format!("/v1/api-keys/{id}")).await.expect(204);
    key.get("/v1/whoami").await.refused(401, "revoked-key");
    assert_eq!(olive.log().await.iter().filter(|action| *action == "api_key.revoked").count(), 1);

    let mut mistyped = minted["plaintext"].as_str().unwrap().to_owned();
    mistyped.pop();
    for text in [mistyped.as_str(), "ds_live_", "something-else"] {
        olive.with_token(&json!(text)).get("/v1/whoami").await.refused(401, "invalid-key");
    }
    for text in ["v4.local.AAAA", "v4.local."] {
        olive.with_token(&json!(text)).get("/v1/whoami").await.refused(401, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_lives_on_for_a_day() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let old = olive.key(&["admin", "read"]).await;
    let id = olive.get("/v1/api-keys").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let rotated = olive.post(&format!("/v1/api-keys/{id}/rotate"), json!({})).await.expect(201);
    assert_eq!((&rotated["rotated_from"], &rotated["name"]), (&json!(id), &json!("test")));
    assert_eq!(rotated["grace_period_ends_at"], json!(house.now().plus(24 * HOUR)));
    assert_eq!(rotated["scopes"], json!(["read", "account_owner"]));

    let new = olive.with_token(&rotated["plaintext"]);
    for key in [&old, &new] {
        key.get("/v1/whoami").await.expect(200);
    }
    house.pass(24 * HOUR);
    old.get("/v1/whoami").await.refused(401, "expired-key");
    new.get("/v1/whoami").await.expect(200);
    olive.post(&format!("/v1/api-keys/{id}/rotate"), json!({})).await.refused(409, "conflict");
    assert!(olive.log().await.contains(&"api_key.rotated".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_may_come_without_a_body_and_with_a_name() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    olive.key(&["read"]).await;
    let id = olive.get("/v1/api-keys").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/api-keys/{id}/rotate");
    crate::fixture::send(olive.request(reqwest::Method::POST, &path)).await.expect(201);
    assert_eq!(olive.post(&path, json!({ "name": "next" })).await.expect(201)["name"], "next");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_keys_are_not_there() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let key = olive.key(&["read"]).await;
    let id = olive.get("/v1/api-keys").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    for id in [id.as_str(), "key_0192f0c1-2345-7000-8000-00000000dead"] {
        bo.delete(&format!("/v1/api-keys/{id}")).await.refused(404, "not-found");
        bo.post(&format!("/v1/api-keys/{id}/rotate"), json!({})).await.refused(404, "not-found");
    }
    key.get("/v1/whoami").await.expect(200);
}
