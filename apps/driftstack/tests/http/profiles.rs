//! Profiles.

use std::time::Duration;

use driftstack_domain::tier::Tier;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{House, Person, send};

const PROFILES: &str = "/v1/profiles";

fn path(profile: &Value) -> String {
    format!("{PROFILES}/{}", profile["id"].as_str().unwrap())
}

async fn keep(by: &Person<'_>, name: &str) -> Value {
    by.post(PROFILES, json!({ "name": name })).await.expect(201)
}

async fn kept(by: &Person<'_>) -> Value {
    by.get("/v1/account/me").await.expect(200)["profile_count"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_kept_changed_and_deleted() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let key = olive.key(&["write:profiles", "read:profiles"]).await;
    let order =
        json!({ "name": " Shop ", "archetype": "pixel_8", "description": "one\ntwo", "metadata": { "a": [1] } });
    let profile = key.post(PROFILES, order).await.expect(201);
    let expected = json!({
        "id": profile["id"], "account_id": olive.id, "name": "Shop", "archetype": "pixel_8",
        "description": "one\ntwo", "metadata": { "a": [1] }, "created_by_account_id": olive.id,
        "created_with": profile["created_with"], "created_at": house.now(), "updated_at": house.now(),
    });
    assert_eq!(profile, expected);
    assert!(profile["id"].as_str().unwrap().starts_with("prof_"));
    assert_eq!(key.get(&path(&profile)).await.expect(200), profile);
    assert_eq!(kept(&olive).await, 1);

    house.pass(Duration::from_mins(1));
    let changed = key.patch(&path(&profile), json!({ "name": "Other", "description": null })).await.expect(200);
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Other"), &Value::Null));
    assert_eq!((&changed["archetype"], &changed["metadata"]), (&profile["archetype"], &profile["metadata"]));
    assert_eq!((&changed["created_at"], &changed["updated_at"]), (&profile["created_at"], &json!(house.now())));
    assert_eq!(key.get(PROFILES).await.expect(200)["data"], json!([changed]));

    key.delete(&path(&profile)).await.expect(204);
    key.delete(&path(&profile)).await.expect(204);
    key.get(&path(&profile)).await.refused(404, "not-found");
    key.patch(&path(&profile), json!({ "name": "x" })).await.refused(404, "not-found");
    olive.post("/v1/sessions", json!({ "profile_id": profile["id"] })).await.refused(404, "not-found");
    assert_eq!(kept(&olive).await, 0);
    assert_eq!(olive.log().await[..3], ["profile.deleted", "profile.updated", "profile.created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_profile_names_its_field() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let profile = keep(&olive, "shop").await;
    for (order, field) in [
        (json!({}), "name"),
        (json!({ "name": null }), "name"),
        (json!({ "name": "x", "nmae": 1 }), "nmae"),
        (json!({ "name": "x", "description": "a\u{0}" }), "description"),
        (json!({ "name": "x", "archetype": "a-b" }), "archetype"),
        (json!({ "name": "x", "metadata": 7 }), "metadata"),
    ] {
        let problem = olive.post(PROFILES, order).await.refused(400, "validation-failed");
        assert_eq!(problem["issues"][0]["path"], field, "{problem}");
    }
    for (patch, field) in [
        (json!({}), ""),
        (json!({ "name": null }), "name"),
        (json!({ "archetype": null }), "archetype"),
        (json!({ "id": "x" }), "id"),
    ] {
        let problem = olive.patch(&path(&profile), patch).await.refused(400, "validation-failed");
        assert_eq!(problem["issues"][0]["path"], field, "{problem}");
    }
    assert_eq!(kept(&olive).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_there_once_on_an_account() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    keep(&olive, "shop").await;
    let other = keep(&olive, "other").await;
    olive.post(PROFILES, json!({ "name": "shop" })).await.refused(409, "conflict");
    olive.patch(&path(&other), json!({ "name": "shop" })).await.refused(409, "conflict");
    olive.patch(&path(&other), json!({ "name": "other" })).await.expect(200);
    keep(&bo, "shop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_elses_is_not_there() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let profile = keep(&olive, "shop").await;
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let mut told = Vec::new();
        for path in [path(&profile), format!("{PROFILES}/prof_0192f0c1-2345-7000-8000-00000000dead")] {
            let request = bo.request(method.clone(), &path).json(&json!({ "name": "mine" }));
            let mut problem = send(request).await.refused(404, "not-found");
            problem["instance"].take();
            told.push(problem);
        }
        assert_eq!(told[0], told[1]);
    }
    bo.get(&format!("{PROFILES}/1")).await.refused(400, "bad-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_account_says_how_many_there_are_and_how_many_may_be() {
    let house = House::open().await;
    let olive = house.person_on("olive", Tier::Free).await;
    let profile = keep(&olive, "shop").await;
    let problem = olive.post(PROFILES, json!({ "name": "one more" })).await.refused(429, "tier-limit");
    assert_eq!((&problem["current"], &problem["limit"]), (&json!(1), &json!(1)));
    assert_eq!((&problem["record_type"], &problem["resource"]), (&json!("profile"), &json!("profile")));
    olive.delete(&path(&profile)).await.expect(204);
    keep(&olive, "one more").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_on_which_something_runs_stays() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let profile = keep(&olive, "shop").await;
    let session = olive.post("/v1/sessions", json!({ "profile_id": profile["id"] })).await.expect(201);
    let problem = olive.delete(&path(&profile)).await.refused(409, "conflict");
    assert_eq!(problem["active_session_id"], session["id"]);
    let session = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
    olive.delete(&session).await.expect(204);
    olive.delete(&path(&profile)).await.expect(204);
    assert_eq!(olive.get(&session).await.expect(200)["profile_id"], profile["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_read_and_admins_write() {
    let house = House::open().await;
    let (olive, ada, max) = (house.person("olive").await, house.person("ada").await, house.person("max").await);
    house.join(&olive, &ada, "admin").await;
    house.join(&olive, &max, "member").await;
    let made = ada.on(&olive.id, Method::POST, PROFILES, Some(json!({ "name": "shop" }))).await;
    assert_eq!((made.header("x-ratelimit-bucket"), made.status), ("global", 201));
    let profile = made.json();
    assert_eq!((&profile["account_id"], &profile["created_by_account_id"]), (&json!(olive.id), &json!(ada.id)));
    let page = max.on(&olive.id, Method::GET, PROFILES, None).await.expect(200);
    assert_eq!(page["data"], json!([profile]));
    for (method, path) in
        [(Method::POST, PROFILES.to_owned()), (Method::PATCH, path(&profile)), (Method::DELETE, path(&profile))]
    {
        let body = Some(json!({ "name": "mine" }));
        max.on(&olive.id, method, &path, body).await.refused(403, "forbidden");
    }
    ada.on(&olive.id, Method::PATCH, &path(&profile), Some(json!({ "name": "ours" }))).await.expect(200);
    ada.on(&olive.id, Method::DELETE, &path(&profile), None).await.expect(204);
    assert_eq!(kept(&ada).await, 0);
}
