use serde_json::{Value, json};

use crate::fixture::{House, fields};

#[tokio::test(flavor = "multi_thread")]
async fn me_has_exactly_the_published_fields() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let me = olive.get("/v1/account/me").await.expect(200);
    assert_eq!(
        me,
        json!({
            "id": olive.id, "email": "olive@example.com", "name": "olive", "tier": "enterprise", "status": "active",
            "timezone": null, "slug": null, "region": null, "onboarding_completed_at": null,
            "avatar_url": null, "avatar_source": "none", "mfa_enrolled": false,
            "concurrent_session_cap": 32, "concurrent_session_active": 0, "profile_cap": null, "profile_count": 0,
            "teams": [],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_answers_with_what_get_then_shows() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let edit = json!({ "name": " Acme B.V. ", "timezone": "europe/amsterdam", "slug": "acme", "region": "eu", "onboarding_completed": true });
    let edited = olive.patch("/v1/account/me", edit).await.expect(200);
    assert_eq!(edited["name"], "Acme B.V.");
    assert_eq!(edited["timezone"], "Europe/Amsterdam");
    assert_eq!(edited["onboarding_completed_at"], json!(house.now()));
    assert_eq!(olive.get("/v1/account/me").await.expect(200), edited);
    assert_eq!(olive.log().await[0], "account.updated");
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_keeps_and_null_clears() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    olive.patch("/v1/account/me", json!({ "slug": "acme", "region": "eu" })).await.expect(200);
    let edited = olive.patch("/v1/account/me", json!({ "slug": null })).await.expect(200);
    assert_eq!((&edited["slug"], &edited["region"], &edited["name"]), (&Value::Null, &json!("eu"), &json!("olive")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slug_belongs_to_one_account_until_it_is_cleared() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    olive.patch("/v1/account/me", json!({ "slug": "acme" })).await.expect(200);
    olive.patch("/v1/account/me", json!({ "slug": "acme" })).await.expect(200);
    bo.patch("/v1/account/me", json!({ "slug": "acme" })).await.refused(409, "conflict");
    olive.patch("/v1/account/me", json!({ "slug": null })).await.expect(200);
    bo.patch("/v1/account/me", json!({ "slug": "acme" })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_edit_names_its_field_and_changes_nothing() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let before = olive.get("/v1/account/me").await.expect(200);
    for (edit, path) in [
        (json!({}), ""),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "a\u{0}b" }), "name"),
        (json!({ "name": "x".repeat(121) }), "name"),
        (json!({ "name": 7 }), "name"),
        (json!({ "timezone": "Mars/Olympus" }), "timezone"),
        (json!({ "slug": "Ac" }), "slug"),
        (json!({ "slug": "a--b" }), "slug"),
        (json!({ "slug": "admin" }), "slug"),
        (json!({ "region": "moon" }), "region"),
        (json!({ "onboarding_completed": false }), "onboarding_completed"),
        (json!({ "name": "fine", "slgu": "acme" }), "slgu"),
        (json!({ "id": "acc_1" }), "id"),
    ] {
        let problem = olive.patch("/v1/account/me", edit.clone()).await.refused(400, "validation-failed");
        assert_eq!(problem["issues"][0]["path"], path, "{edit}");
        assert!(problem["issues"][0]["message"].is_string());
    }
    assert_eq!(olive.get("/v1/account/me").await.expect(200), before);
    assert!(!olive.log().await.contains(&"account.updated".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_ownership_reads_and_does_not_edit() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let reader = olive.key(&["read"]).await;
    reader.get("/v1/account/me").await.expect(200);
    let problem = reader.patch("/v1/account/me", json!({ "name": "x" })).await.refused(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("`account_owner`"));
    olive.key(&["read:audit"]).await.get("/v1/account/me").await.refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_tells_what_a_credential_carries() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let session = olive.get("/v1/whoami").await.expect(200);
    assert!(session["api_key_id"].as_str().unwrap().starts_with("wsk_"));
    assert_eq!(session["scopes"], json!(["account_owner"]));

    let key = olive.key(&["read:audit", "gui_control"]).await.get("/v1/whoami").await.expect(200);
    assert_eq!(fields(&key), ["account_id", "api_key_id", "scopes", "tier"]);
    assert_eq!((&key["account_id"], &key["tier"]), (&json!(olive.id), &json!("enterprise")));
    assert_eq!(key["scopes"], json!(["gui_control", "read:audit"]));
    assert!(key["api_key_id"].as_str().unwrap().starts_with("key_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limits_are_those_of_the_tier() {
    let house = House::open().await;
    let olive = house.person_on("olive", driftstack_domain::tier::Tier::SoloManual).await;
    let limits = olive.get("/v1/account/rate-limits").await.expect(200);
    assert_eq!(limits["tier"], "solo_manual");
    assert_eq!(
        limits["buckets"],
        json!([
            { "bucket_key": "global", "capacity": 120, "refill_per_second": 2.0, "source": "tier_default", "override_expires_at": null },
            { "bucket_key": "sessions:create", "capacity": 10, "refill_per_second": 1.0 / 30.0, "source": "tier_default", "override_expires_at": null },
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn me_ignores_the_workspace_header_even_a_malformed_one() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    for workspace in [olive.id.as_str(), "rubbish"] {
        let me = ada.on(workspace, reqwest::Method::GET, "/v1/account/me", None).await.expect(200);
        assert_eq!(me["id"], json!(ada.id));
    }
}
