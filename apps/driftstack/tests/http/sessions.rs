//! Sessions, and the budget that a team shares.

use std::time::Duration;

use driftstack_domain::tier::Tier;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{House, Person, fields, send};

const SESSIONS: &str = "/v1/sessions";
const NEVER: &str = "ses_0192f0c1-2345-7000-8000-00000000dead";

fn path(session: &Value) -> String {
    format!("{SESSIONS}/{}", session["id"].as_str().unwrap())
}

async fn begin(by: &Person<'_>) -> Value {
    by.post(SESSIONS, json!({})).await.expect(201)
}

async fn active(by: &Person<'_>) -> Value {
    by.get("/v1/account/me").await.expect(200)["concurrent_session_active"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_is_read_and_ends() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let key = olive.key(&["write:sessions", "read:sessions"]).await;
    let order = json!({
        "archetype": "iphone_15", "purpose": "test_domain_probe", "label": " nightly ", "metadata": { "run": 7 },
        "behavioral_profile": "casual",
    });
    let session = key.post(SESSIONS, order).await.expect(201);
    let expected = json!({
        "id": session["id"], "account_id": olive.id, "api_key_id": session["api_key_id"], "status": "ready",
        "archetype": "iphone_15", "purpose": "test_domain_probe", "label": "nightly", "metadata": { "run": 7 },
        "egress_capabilities": null, "egress_capability_report": null, "created_at": house.now(),
        "updated_at": house.now(), "last_state_at": null, "destroyed_at": null, "profile_id": null,
        "behavioral_profile": "casual", "created_by_account_id": olive.id, "created_with": session["api_key_id"],
    });
    assert_eq!(session, expected);
    assert!(session["id"].as_str().unwrap().starts_with("ses_"));
    assert_eq!(key.get(&path(&session)).await.expect(200), session);
    assert_eq!(active(&olive).await, 1);

    house.pass(Duration::from_mins(3));
    assert_eq!(key.delete(&path(&session)).await.expect(204), Value::Null);
    let ended = key.get(&path(&session)).await.expect(200);
    assert_eq!((&ended["status"], &ended["destroyed_at"]), (&json!("destroyed"), &json!(house.now())));
    assert_eq!(ended["updated_at"], ended["destroyed_at"]);
    key.delete(&path(&session)).await.expect(204);
    assert_eq!(active(&olive).await, 0);
    let log = olive.log().await;
    assert_eq!(log[..2], ["session.destroyed", "session.created"]);
    let entry = olive.get("/v1/account/audit-log?limit=1").await.expect(200)["data"][0].clone();
    assert_eq!(
        (&entry["target_resource_id"], &entry["payload"]),
        (&session["id"], &json!({ "archetype": "iphone_15" }))
    );
}

/// Published clients read nothing but `key_…` there.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_web_session_creates_has_the_form_of_a_key() {
    let house = House::open().await;
    let session = begin(&house.person("olive").await).await;
    let (key, truth) = (session["api_key_id"].as_str().unwrap(), session["created_with"].as_str().unwrap());
    assert_eq!(truth.strip_prefix("wsk_"), key.strip_prefix("key_"));
    assert!(truth.starts_with("wsk_"));
    assert_eq!((&session["archetype"], &session["purpose"]), (&json!("default"), &json!("production_customer")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_paged_newest_first() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, begin(&olive).await["id"].clone());
    }
    olive.delete(&format!("{SESSIONS}/{}", ids[1].as_str().unwrap())).await.expect(204);
    let first = olive.get("/v1/sessions?limit=3").await.expect(200);
    assert_eq!(fields(&first), ["data", "has_more", "next_cursor"]);
    let next = format!("/v1/sessions?limit=3&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = olive.get(&next).await.expect(200);
    let shown: Vec<_> =
        [&first, &second].iter().flat_map(|page| page["data"].as_array().unwrap()).map(|it| it["id"].clone()).collect();
    assert_eq!((shown, &second["next_cursor"]), (ids, &Value::Null));
    assert_eq!(first["data"][1]["status"], "destroyed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_order_names_its_field_and_begins_nothing() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let large = "x".repeat(9 * 1024);
    for (order, path) in [
        (json!({ "archetpye": "abc" }), "archetpye"),
        (json!({ "archetype": "No" }), "archetype"),
        (json!({ "purpose": "fun" }), "purpose"),
        (json!({ "label": "" }), "label"),
        (json!({ "label": "a\u{0}b" }), "label"),
        (json!({ "metadata": [1] }), "metadata"),
        (json!({ "metadata": { "k": large } }), "metadata"),
        (json!({ "profile_id": "ses_1" }), "profile_id"),
        (json!({ "behavioral_profile": "wild" }), "behavioral_profile"),
    ] {
        let problem = olive.post(SESSIONS, order).await.refused(400, "validation-failed");
        assert_eq!(problem["issues"][0]["path"], path, "{problem}");
    }
    assert_eq!(active(&olive).await, 0);
    olive.post(SESSIONS, json!({ "metadata": { "nul": "\u{0}" } })).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_is_somebody_elses_look_alike() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let session = begin(&olive).await;
    for method in [Method::GET, Method::DELETE] {
        let mut told = Vec::new();
        for path in [path(&session), format!("{SESSIONS}/{NEVER}")] {
            let mut problem = send(bo.request(method.clone(), &path)).await.refused(404, "not-found");
            problem["instance"].take();
            told.push(problem);
        }
        assert_eq!(told[0], told[1]);
        let malformed = send(bo.request(method, &format!("{SESSIONS}/{}", NEVER.to_uppercase()))).await;
        malformed.refused(400, "bad-request");
    }
    olive.get(&path(&session)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_account_says_how_many_run_and_how_many_may() {
    let house = House::open().await;
    let olive = house.person_on("olive", Tier::TeamManual).await;
    let first = begin(&olive).await;
    begin(&olive).await;
    begin(&olive).await;
    let refused = olive.post(SESSIONS, json!({})).await;
    assert!(!refused.headers.contains_key("retry-after"), "no time will help");
    let problem = refused.refused(429, "concurrency-limit");
    assert_eq!((&problem["current_sessions"], &problem["limit"]), (&json!(3), &json!(3)));
    olive.delete(&path(&first)).await.expect(204);
    begin(&olive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_requests_at_once_begin_as_many_as_the_tier_allows() {
    let house = House::open().await;
    let olive = house.person_on("olive", Tier::ApiScale).await;
    let answers = join_all((0..60).map(|_| olive.post(SESSIONS, json!({})))).await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(201), of(429)), (24, 36));
    assert_eq!(active(&olive).await, 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_creation_begins_one() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let ask =
        async || send(olive.request(Method::POST, SESSIONS).header("idempotency-key", "k").json(&json!({}))).await;
    let (first, again) = (ask().await, ask().await);
    assert_eq!((again.header("idempotency-replayed"), &again.text), ("true", &first.text));
    assert_eq!((first.status, active(&olive).await), (201, json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_read_admins_write_and_all_of_it_counts_on_the_owner() {
    let house = House::open().await;
    let (olive, ada, max) = (house.person("olive").await, house.person("ada").await, house.person("max").await);
    house.join(&olive, &ada, "admin").await;
    house.join(&olive, &max, "member").await;
    let session = ada.on(&olive.id, Method::POST, SESSIONS, Some(json!({}))).await.expect(201);
    assert_eq!((&session["account_id"], &session["created_by_account_id"]), (&json!(olive.id), &json!(ada.id)));
    assert_eq!((active(&olive).await, active(&ada).await), (json!(1), json!(0)));
    for reader in [&ada, &max] {
        let page = reader.on(&olive.id, Method::GET, SESSIONS, None).await.expect(200);
        assert_eq!(page["data"][0], session);
        reader.on(&olive.id, Method::GET, &path(&session), None).await.expect(200);
        reader.get(&path(&session)).await.refused(404, "not-found");
    }
    max.on(&olive.id, Method::POST, SESSIONS, Some(json!({}))).await.refused(403, "forbidden");
    max.on(&olive.id, Method::DELETE, &path(&session), None).await.refused(403, "forbidden");
    ada.on(&olive.id, Method::DELETE, &path(&session), None).await.expect(204);
    let entry = olive.get("/v1/account/audit-log?limit=1").await.expect(200)["data"][0].clone();
    assert_eq!((&entry["action"], &entry["actor_account_id"]), (&json!("session.destroyed"), &json!(ada.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_begins_a_session_on_a_profile() {
    let house = House::open().await;
    let (olive, ada, bo) = (house.person("olive").await, house.person("ada").await, house.person("bo").await);
    house.join(&olive, &ada, "admin").await;
    let profile = json!({ "name": "shop", "archetype": "pixel_8", "metadata": { "shop": 1 } });
    let profile = olive.post("/v1/profiles", profile).await.expect(201)["id"].clone();
    let launch = json!({ "profile_id": profile });
    let borrowed = ada.key_on(&olive.id, &["write:sessions"]).await;
    let by_admin = ada.on(&olive.id, Method::POST, SESSIONS, Some(launch.clone())).await;
    for refused in [by_admin, borrowed.post(SESSIONS, launch.clone()).await] {
        let problem = refused.refused(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains("only the owner"), "{problem}");
    }
    borrowed.post(SESSIONS, json!({})).await.expect(201);
    bo.post(SESSIONS, launch.clone()).await.refused(404, "not-found");
    let session = olive.key(&["write:sessions"]).await.post(SESSIONS, launch).await.expect(201);
    assert_eq!((&session["profile_id"], &session["archetype"]), (&profile, &json!("pixel_8")));
    assert_eq!(session["metadata"], json!({ "shop": 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn beginning_has_a_bucket_of_its_own() {
    let house = House::open().await;
    let olive = house.person_on("olive", Tier::Free).await;
    let global = olive.get("/v1/whoami").await.header("x-ratelimit-remaining").parse::<u32>().unwrap();
    let begun = olive.post(SESSIONS, json!({})).await;
    assert_eq!((begun.header("x-ratelimit-bucket"), begun.header("x-ratelimit-limit")), ("sessions:create", "5"));
    assert_eq!(begun.header("x-ratelimit-remaining"), "4");
    let listed = olive.get(SESSIONS).await;
    assert_eq!(listed.header("x-ratelimit-bucket"), "global");
    assert!(
        listed.header("x-ratelimit-remaining").parse::<u32>().unwrap() + 1 >= global,
        "beginning was not charged to it"
    );
    for _ in 0..4 {
        olive.post(SESSIONS, json!({})).await.refused(429, "concurrency-limit");
    }
    let empty = olive.post(SESSIONS, json!({})).await.refused(429, "rate-limited");
    assert!(empty["detail"].as_str().unwrap().contains("sessions:create"), "{empty}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_shares_the_owners_bucket_and_learns_nothing_of_it() {
    let house = House::open().await;
    let olive = house.person_on("olive", Tier::Free).await;
    let (ada, max, bo) = (house.person("ada").await, house.person("max").await, house.person("bo").await);
    house.join(&olive, &ada, "admin").await;
    house.join(&olive, &max, "member").await;
    let begin = async |by: &Person<'_>| by.on(&olive.id, Method::POST, SESSIONS, Some(json!({}))).await;
    // Who may not has no part in the budget.
    for _ in 0..6 {
        begin(&bo).await.refused(403, "forbidden");
        begin(&max).await.refused(403, "forbidden");
    }
    begin(&ada).await.expect(201);
    for _ in 0..4 {
        begin(&ada).await.refused(429, "concurrency-limit");
    }
    let refused = begin(&ada).await;
    for (name, value) in &refused.headers {
        assert_ne!((name.as_str(), value.to_str().unwrap()), ("x-ratelimit-limit", "5"), "the owner's number");
    }
    assert_eq!(refused.header("x-ratelimit-limit"), "600");
    assert_ne!(refused.header("x-ratelimit-remaining"), "0", "her own bucket is far from empty");
    assert_eq!(refused.header("retry-after"), "10");
    let problem = refused.refused(429, "rate-limited");
    assert_eq!(problem["detail"], "too many requests; try again in 10 s");
    assert_eq!(fields(&problem), ["detail", "instance", "retry_after_seconds", "status", "title", "type"]);
    olive.post(SESSIONS, json!({})).await.refused(429, "rate-limited");
    ada.post(SESSIONS, json!({})).await.expect(201);
}
