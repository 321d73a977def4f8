//! What staff do on the accounts of others.

use std::time::Duration;

use driftstack_domain::{testing::people, tier::Tier};
use serde_json::{Value, json};

use crate::fixture::{Answer, House, Person, fields};

/// Somebody who is staff.
async fn staffer<'h>(house: &'h House, name: &str) -> Person<'h> {
    let person = house.person(name).await;
    house.services.operator.set_staff(&people::email(&person.email), true).await.unwrap();
    person
}

fn of(who: &Person<'_>, what: &str) -> String {
    format!("/v1/admin/accounts/{}{what}", who.id)
}

const NOBODY: &str = "/v1/admin/accounts/acc_0192f0c1-2345-7000-8000-00000000dead";

/// Every call there is, on an account.
async fn every_call(by: &Person<'_>, on: &str) -> Vec<Answer> {
    let at = |what: &str| format!("{on}{what}");
    let limit = json!({ "bucket_key": "global", "capacity": 5, "refill_per_second": 1, "duration_seconds": 60 });
    vec![
        by.get(on).await,
        by.post(&at("/tier"), json!({ "tier": "free" })).await,
        by.post(&at("/plan"), json!({ "plan": "api" })).await,
        by.post(&at("/suspend"), json!({})).await,
        by.post(&at("/unsuspend"), json!({})).await,
        by.put(&at("/rate-limit-overrides"), limit).await,
        by.delete(&at("/rate-limit-overrides?bucket_key=global")).await,
        by.post(&at("/transfer-ownership"), json!({ "to_account_id": by.id })).await,
        by.post(&at("/support-notes"), json!({ "note": "x" })).await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_staff_at_a_session_gets_in() {
    let house = House::open().await;
    let (sam, olive, bo) = (staffer(&house, "sam").await, house.person("olive").await, house.person("bo").await);
    let before = olive.log().await;
    let customers =
        [bo.clone(), olive.clone(), olive.key(&["account_owner", "admin"]).await, sam.key(&["account_owner"]).await];
    for by in customers {
        by.get("/v1/admin/accounts").await.refused(403, "forbidden");
        for answer in every_call(&by, &of(&olive, "")).await {
            let refused = answer.refused(403, "forbidden");
            assert!(refused["detail"].as_str().unwrap().contains("driftstack_internal_admin"), "{refused}");
        }
    }
    assert_eq!(olive.log().await[1..], before);
    let staff_key = json!({ "name": "x", "scopes": ["driftstack_internal_admin"] });
    sam.post("/v1/api-keys", staff_key).await.refused(403, "forbidden");
    house.services.operator.set_staff(&people::email(&sam.email), false).await.unwrap();
    sam.get("/v1/admin/accounts").await.refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_is_not_found_and_a_malformed_id_is_bad() {
    let house = House::open().await;
    let sam = staffer(&house, "sam").await;
    for answer in every_call(&sam, NOBODY).await {
        answer.refused(404, "not-found");
    }
    for answer in every_call(&sam, "/v1/admin/accounts/olive").await {
        answer.refused(400, "bad-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed_and_found_by_their_address() {
    let house = House::open().await;
    let sam = staffer(&house, "sam").await;
    for name in ["ada", "adam", "bo"] {
        house.person_on(name, Tier::Free).await;
    }
    let list = async |query: &str| sam.get(&format!("/v1/admin/accounts{query}")).await.expect(200);
    let names = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = list("").await;
    assert_eq!(names(&all), ["bo", "adam", "ada", "sam"]);
    assert_eq!(fields(&all["data"][0]), ["created_at", "email", "id", "name", "staff", "status", "tier"]);
    assert_eq!((&all["data"][3]["staff"], &all["data"][0]["staff"]), (&json!(true), &json!(false)));
    let found = list("?email=AD&limit=1").await;
    assert_eq!((names(&found), &found["has_more"]), (vec!["ada".to_owned()], &json!(true)));
    let cursor = found["next_cursor"].as_str().unwrap();
    let rest = list(&format!("?email=AD&limit=1&cursor={cursor}")).await;
    assert_eq!((names(&rest), &rest["next_cursor"]), (vec!["adam".to_owned()], &Value::Null));
    assert!(names(&list("?email=%25").await).is_empty());
    for bad in ["?name=ada", "?email=", "?email=a%20b", "?email=a&email=b", "?limit=0", "?cursor=x"] {
        sam.get(&format!("/v1/admin/accounts{bad}")).await.refused(400, "validation-failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_shown_without_its_secrets() {
    let house = House::open().await;
    let (sam, olive) = (staffer(&house, "sam").await, house.person("olive").await);
    let key = olive.key(&["read"]).await;
    let answer = sam.get(&of(&olive, "")).await;
    for secret in [olive.token.as_str(), key.token.as_str(), &key.token[..16], "argon2", "password"] {
        assert!(!answer.text.contains(secret), "{secret}");
    }
    let seen = answer.expect(200);
    let expected = [
        "created_at",
        "email",
        "email_verified_at",
        "id",
        "name",
        "rate_limits",
        "region",
        "slug",
        "staff",
        "status",
        "team",
        "tier",
        "updated_at",
    ];
    assert_eq!(fields(&seen), expected);
    assert_eq!((&seen["id"], &seen["email"]), (&json!(olive.id), &json!(olive.email)));
    assert_eq!((&seen["team"]["plan"], &seen["rate_limits"][0]["source"]), (&json!("free"), &json!("tier_default")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tier_and_a_plan_are_given_with_a_reason() {
    let house = House::open().await;
    let (sam, olive) = (staffer(&house, "sam").await, house.person_on("olive", Tier::ApiScale).await);
    let tier = json!({ "tier": "enterprise", "reason": "moved\nby contract" });
    let seen = sam.post(&of(&olive, "/tier"), tier.clone()).await.expect(200);
    assert_eq!(seen, sam.get(&of(&olive, "")).await.expect(200));
    assert_eq!(olive.get("/v1/whoami").await.expect(200)["tier"], "enterprise");
    assert!(house.mails(&olive.email, 1).await[0].contains("Enterprise"));
    sam.post(&of(&olive, "/tier"), tier).await.expect(200);
    let plan = sam.post(&of(&olive, "/plan"), json!({ "plan": "professional" })).await.expect(200);
    assert_eq!(plan["team"]["plan"], "professional");

    let log = olive.get("/v1/account/audit-log").await.expect(200);
    let entry = &log["data"][1];
    assert_eq!(entry["payload"], json!({ "from": "api_scale", "to": "enterprise", "reason": "moved\nby contract" }));
    assert_eq!(
        (&entry["action"], &entry["actor_type"], &entry["actor_account_id"], &entry["target_resource_id"]),
        (&json!("subscription.tier_changed"), &json!("staff"), &Value::Null, &json!(olive.id))
    );
    assert!(entry["actor_key_id"].as_str().unwrap().starts_with("wsk_"));
    assert_eq!(log["data"][0]["action"], "subscription.plan_changed");
    assert!(!log.to_string().contains(&sam.id), "the customer learns that it was staff, not who");
    let own = sam.get("/v1/account/audit-log?action=admin.*").await.expect(200);
    assert_eq!(own["data"][1]["payload"], json!({ "action": "subscription.tier_changed", "entry_id": entry["id"] }));
    assert_eq!(own["data"][1]["target_resource_id"], json!(olive.id));

    for (what, body) in [
        ("/tier", json!({ "tier": "golden" })),
        ("/tier", json!({})),
        ("/tier", json!({ "tier": "free", "reason": "" })),
        ("/tier", json!({ "tier": "free", "raeson": "x" })),
        ("/plan", json!({ "plan": "solo_manual" })),
        ("/suspend", json!({ "reason": "a\u{0}" })),
        ("/support-notes", json!({})),
        ("/support-notes", json!({ "note": "x".repeat(2001) })),
        ("/transfer-ownership", json!({ "to_account_id": "olive" })),
    ] {
        sam.post(&of(&olive, what), body).await.refused(400, "validation-failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_is_refused_at_once_and_let_in_again() {
    let house = House::open().await;
    let (sam, olive, ada) = (staffer(&house, "sam").await, house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    let (key, adas) = (olive.key(&["read"]).await, ada.key_on(&olive.id, &["read"]).await);
    let on_olive = async || ada.on(&olive.id, reqwest::Method::GET, "/v1/api-keys", None).await;
    sam.post(&of(&olive, "/suspend"), json!({ "reason": "chargeback" })).await.expect(200);
    for by in [&olive, &key, &adas] {
        let refused = by.get("/v1/account/me").await.refused(403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains("suspended"), "{refused}");
    }
    on_olive().await.refused(403, "forbidden");
    ada.get("/v1/account/me").await.expect(200);
    let log_in = json!({ "email": olive.email, "password": crate::fixture::PASSWORD });
    house.post("/v1/auth/login", log_in.clone()).await.refused(403, "forbidden");
    assert_eq!(sam.get(&of(&olive, "")).await.expect(200)["status"], "suspended");

    // Ada's part is not lost when she is the one who is suspended and not the owner.
    assert_eq!(sam.post(&of(&olive, "/unsuspend"), json!({})).await.expect(200)["status"], "active");
    sam.post(&of(&ada, "/suspend"), json!({})).await.expect(200);
    adas.get("/v1/account/me").await.refused(403, "forbidden");
    for by in [&olive, &key] {
        by.get("/v1/account/me").await.expect(200);
    }
    sam.post(&of(&ada, "/unsuspend"), json!({})).await.expect(200);
    adas.get("/v1/account/me").await.expect(200);
    on_olive().await.expect(200);
    house.post("/v1/auth/login", log_in).await.expect(200);

    let refused = sam.post(&of(&sam, "/suspend"), json!({})).await.refused(409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("your own"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_counts_from_the_next_call_until_its_date() {
    let house = House::open().await;
    let (sam, olive) = (staffer(&house, "sam").await, house.person_on("olive", Tier::Free).await);
    let path = of(&olive, "/rate-limit-overrides");
    let order = json!({ "bucket_key": "global", "capacity": 1000, "refill_per_second": 0.3, "duration_seconds": 3600 });
    let set = sam.put(&path, order).await.expect(200);
    let until = house.now().plus(Duration::from_hours(1));
    let expected = json!({
        "bucket_key": "global", "capacity": 1000, "refill_per_second": 0.3, "source": "override", "override_expires_at": until,
    });
    assert_eq!(set, expected);
    let limits = olive.get("/v1/account/rate-limits").await;
    assert_eq!((limits.header("x-ratelimit-limit"), limits.header("x-ratelimit-remaining")), ("1000", "999"));
    let limits = limits.expect(200);
    assert_eq!((&limits["tier"], &limits["buckets"][0]), (&json!("free"), &expected));
    assert_eq!(limits["buckets"][1]["source"], "tier_default");
    assert_eq!(sam.get(&of(&olive, "")).await.expect(200)["rate_limits"][0], expected);

    // Narrower than the tier, and at once.
    let narrow = json!({ "bucket_key": "global", "capacity": 2, "refill_per_second": 1.0 / 60.0, "duration_seconds": 60, "reason": "abuse" });
    sam.put(&path, narrow).await.expect(200);
    for status in [200, 200, 429] {
        assert_eq!(olive.get("/v1/whoami").await.status, status);
    }
    house.pass(Duration::from_mins(1));
    let after = olive.get("/v1/account/rate-limits").await;
    assert_eq!(after.header("x-ratelimit-limit"), "60");
    assert_eq!(after.expect(200)["buckets"][0]["source"], "tier_default");

    let create = json!({ "bucket_key": "sessions:create", "capacity": 7, "refill_per_second": 2, "duration_seconds": 2_592_000 });
    sam.put(&path, create).await.expect(200);
    let bucket = async || olive.get("/v1/account/rate-limits").await.expect(200)["buckets"][1]["capacity"].clone();
    assert_eq!(bucket().await, 7);
    for _ in 0..2 {
        sam.delete(&format!("{path}?bucket_key=sessions:create")).await.expect(204);
        assert_eq!(bucket().await, 5);
    }
    let (set, cleared) = ("rate_limit_override.set", "rate_limit_override.cleared");
    assert_eq!(olive.log().await[..4], [cleared, set, set, set]);
    for bad in ["", "?bucket_key=local", "?bucket=global"] {
        sam.delete(&format!("{path}{bad}")).await.refused(400, "validation-failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_without_measure_is_refused_by_its_field() {
    let house = House::open().await;
    let (sam, olive) = (staffer(&house, "sam").await, house.person("olive").await);
    for (field, value) in [
        ("bucket_key", json!("local")),
        ("capacity", json!(0)),
        ("capacity", json!(-1)),
        ("capacity", json!(1.5)),
        ("capacity", json!(600_001)),
        ("capacity", json!(4_294_967_296_u64)),
        ("refill_per_second", json!(0)),
        ("refill_per_second", json!(-0.5)),
        ("refill_per_second", json!(10_001)),
        ("refill_per_second", json!(1e-300)),
        ("refill_per_second", json!("1")),
        ("refill_per_second", Value::Null),
        ("duration_seconds", json!(0)),
        ("duration_seconds", json!(2_592_001)),
        ("duration_seconds", json!(1e9)),
    ] {
        let mut order =
            json!({ "bucket_key": "global", "capacity": 5, "refill_per_second": 1, "duration_seconds": 60 });
        order[field] = value;
        let refused =
            sam.put(&of(&olive, "/rate-limit-overrides"), order.clone()).await.refused(400, "validation-failed");
        assert_eq!(refused["issues"][0]["path"], field, "{order}");
    }
    assert_eq!(olive.get("/v1/account/rate-limits").await.expect(200)["buckets"][0]["source"], "tier_default");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_on_the_customers_log() {
    let house = House::open().await;
    let (sam, olive) = (staffer(&house, "sam").await, house.person("olive").await);
    let note = sam.post(&of(&olive, "/support-notes"), json!({ "note": " asked for an invoice " })).await.expect(201);
    assert_eq!((&note["note"], &note["created_at"]), (&json!("asked for an invoice"), &json!(house.now())));
    let entry = olive.get("/v1/account/audit-log?action=admin.support_note").await.expect(200)["data"][0].clone();
    assert_eq!((&entry["id"], &entry["payload"]), (&note["id"], &json!({ "note": "asked for an invoice" })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_moves_to_one_of_its_members() {
    let house = House::open().await;
    let (sam, olive, ada) = (staffer(&house, "sam").await, house.person("olive").await, house.person("ada").await);
    let bo = house.person("bo").await;
    let path = of(&olive, "/transfer-ownership");
    sam.post(&path, json!({ "to_account_id": olive.id })).await.refused(400, "validation-failed");
    sam.post(&path, json!({ "to_account_id": ada.id })).await.refused(409, "conflict");
    house.join(&olive, &ada, "member").await;
    house.join(&olive, &bo, "admin").await;
    let key = olive.key(&["account_owner"]).await;
    let team = olive.get("/v1/teams").await.expect(200)["data"][0]["id"].clone();
    sam.post(&path, json!({ "to_account_id": ada.id })).await.expect(204);

    assert_eq!(ada.get("/v1/teams").await.expect(200)["data"][0]["id"], team);
    let members = ada.get("/v1/team/members").await.expect(200);
    let members: Vec<_> =
        members["data"].as_array().unwrap().iter().map(|it| it["member_account_id"].clone()).collect();
    assert_eq!(members, [json!(olive.id), json!(bo.id)]);
    assert_eq!(olive.get("/v1/team/owners").await.expect(200)["data"][0]["owner_account_id"], json!(ada.id));
    olive
        .on(&ada.id, reqwest::Method::POST, "/v1/api-keys", Some(json!({ "name": "x", "scopes": ["read"] })))
        .await
        .expect(201);
    // What was the owner's key is now in a member's hands.
    assert_eq!(key.get("/v1/whoami").await.expect(200)["account_id"], json!(ada.id));
    key.post("/v1/team/invites", json!({ "email": "eve@example.com" })).await.refused(403, "forbidden");
    assert_eq!(ada.log().await.iter().filter(|action| *action == "team.ownership_transferred").count(), 1);
    assert_eq!(olive.log().await[0], "team.ownership_transferred");
    // A client that saw no answer asks again, and learns that Ada is no member of what Olive has now.
    sam.post(&path, json!({ "to_account_id": ada.id })).await.refused(409, "conflict");
}
