use driftstack_domain::{
    audit::{AuditEntry, chain, export::EntryView},
    tier::Tier,
    time::MINUTE,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    avatar::{body, fetch, pictures::png},
    fixture::{House, Person, fields},
    receiver::Receiver,
};

const EXPORT: &str = "/v1/account/export";

const SECTIONS: [&str; 20] = [
    "account",
    "api_keys",
    "audit_log",
    "email_preferences",
    "generated_at",
    "invites",
    "mails",
    "members",
    "memberships",
    "mfa",
    "pending_links",
    "profiles",
    "rate_limits",
    "record",
    "sessions",
    "sign_ins",
    "team",
    "usage_days",
    "webhook_events",
    "webhooks",
];

#[tokio::test(flavor = "multi_thread")]
async fn everything_held_on_an_account_is_in_one_document() {
    let house = House::open().await;
    let (olive, ada, bo) = (house.person("olive").await, house.person("ada").await, house.person("bo").await);
    house.join(&olive, &ada, "admin").await;
    house.join(&bo, &olive, "member").await;
    olive.key(&["read"]).await;
    olive.post("/v1/team/invites", json!({ "email": "eve@example.com" })).await.expect(202);
    let off = json!({ "event_type": "tier-changed", "opted_in": false });
    olive.put("/v1/account/email-preferences", off).await.expect(204);
    let profile = olive.post("/v1/profiles", json!({ "name": "desk" })).await.expect(201);
    let session = olive.post("/v1/sessions", json!({})).await.expect(201);
    let hook = json!({ "url": "https://hooks.example.com/a", "events": ["session.completed"] });
    let hook = olive.post("/v1/webhooks", hook).await.expect(201);
    house.post("/v1/auth/magic-link/request", json!({ "email": olive.email })).await.expect(200);
    house.mails(&olive.email, 2).await;
    house.mails("eve@example.com", 1).await;

    let answer = olive.get(EXPORT).await;
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/json", "no-store"));
    assert!(answer.header("content-disposition").contains("account.json"));
    let token = house.mailed_token(&olive.email).await;
    for secret in [&olive.token, &token] {
        assert!(!answer.text.contains(secret.as_str()));
    }
    let it = answer.expect(200);
    assert_eq!(fields(&it), SECTIONS);
    assert_eq!(it["generated_at"], json!(house.now()));
    assert_eq!(it["account"]["email"], olive.email);
    assert_eq!(it["account"], olive.get("/v1/account/me").await.expect(200));
    assert_eq!(it["team"]["name"], "olive");
    assert_eq!(it["mfa"]["enrolled"], false);
    assert_eq!(it["email_preferences"].as_array().unwrap().iter().filter(|it| it["opted_in"] == false).count(), 1);
    assert_eq!(it["rate_limits"][0]["source"], "tier_default");
    let list = |name: &str| {
        assert_eq!(it[name]["truncated"], false, "{name}");
        it[name]["data"].as_array().unwrap().clone()
    };
    assert_eq!(list("members")[0]["member_email"], ada.email);
    assert_eq!(list("memberships")[0]["owner_email"], bo.email);
    let invited: Vec<Value> = list("invites").iter().map(|invite| invite["email"].clone()).collect();
    assert_eq!(invited, ["eve@example.com", "ada@example.com"]);
    assert!(list("invites")[1]["accepted_at"].is_string());
    assert_eq!((list("api_keys").len(), list("api_keys")[0].get("plaintext")), (1, None));
    assert_eq!(
        fields(&list("sign_ins")[0]),
        ["browser", "created_at", "ended_at", "expires_at", "id", "last_used_at", "os"]
    );
    assert_eq!((&list("profiles")[0]["id"], &list("sessions")[0]["id"]), (&profile["id"], &session["id"]));
    assert_eq!((&list("webhooks")[0]["id"], list("webhooks")[0].get("secret")), (&hook["id"], None));
    assert_eq!(list("pending_links")[0]["kind"], "magic-link");
    let kinds: Vec<Value> = list("mails").iter().map(|mail| mail["kind"].clone()).collect();
    assert_eq!(kinds, ["magic-link", "team-invite", "team-invite"]);

    // The log is whole, says what it says of people, and holds.
    let log: Vec<EntryView> = serde_json::from_value(it["audit_log"]["data"].clone()).unwrap();
    assert!(log.iter().any(|entry| {
        entry.payload.as_ref().is_some_and(|it| it.get("invitee_email") == Some(&json!("eve@example.com")))
    }));
    let oldest_first: Vec<AuditEntry> = log.into_iter().rev().map(|view| view.try_into().unwrap()).collect();
    let head = chain::verify(&oldest_first).unwrap().unwrap();
    assert_eq!(it["audit_log"]["head_hash"], json!(head.hash));
    assert_eq!(oldest_first[0].seq, 1);
    olive.get(it["audit_log"]["whole"].as_str().unwrap()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_and_what_was_told_is_in_it_too() {
    let (house, receiver) = (House::open().await, Receiver::start());
    let olive = house.person("olive").await;
    let profile = olive.post("/v1/profiles", json!({ "name": "shop" })).await.expect(201);
    olive.delete(&format!("/v1/profiles/{}", profile["id"].as_str().unwrap())).await.expect(204);
    let hook = json!({ "url": receiver.url("/"), "events": ["session.completed"] });
    let hook = olive.post("/v1/webhooks", hook).await.expect(201);
    let session = olive.post("/v1/sessions", json!({})).await.expect(201);
    house.pass(MINUTE);
    olive.delete(&format!("/v1/sessions/{}", session["id"].as_str().unwrap())).await.expect(204);
    receiver.until(1).await;
    olive.delete(&format!("/v1/webhooks/{}", hook["id"].as_str().unwrap())).await.expect(204);
    olive.put("/api/v1/account/notifications", json!({ "audit_high_severity": false })).await.expect(200);
    olive.post("/v1/account/me/avatar", body(&png(), "image/png")).await.expect(200);

    let answer = olive.get(EXPORT).await;
    assert!(!answer.text.contains(hook["secret"].as_str().unwrap()));
    let it = answer.expect(200);
    assert_eq!(
        (&it["profiles"]["data"][0]["id"], &it["profiles"]["data"][0]["name"]),
        (&profile["id"], &json!("shop"))
    );
    assert!(it["profiles"]["data"][0]["deleted_at"].is_string());
    assert_eq!(it["webhooks"]["data"][0]["id"], hook["id"]);
    assert!(it["webhooks"]["data"][0]["disabled_at"].is_string());
    let event = &it["webhook_events"]["data"][0];
    assert_eq!(fields(event), ["data", "deliveries", "emitted_at", "id", "type"]);
    assert_eq!((&event["type"], &event["data"]["session_id"]), (&json!("session.completed"), &session["id"]));
    let delivery = &event["deliveries"][0];
    assert_eq!((&delivery["webhook_id"], &delivery["event_id"]), (&hook["id"], &event["id"]));
    assert_eq!(it["usage_days"]["data"], json!([{ "date": "2026-05-12", "session_minute": 1 }]));
    let record = &it["record"];
    let known =
        ["active_team_id", "audit_high_severity", "created_at", "email_verified_at", "number", "staff", "updated_at"];
    assert_eq!(fields(record), known);
    assert_eq!((&record["audit_high_severity"], &record["staff"]), (&json!(false), &json!(false)));
    assert!(record["email_verified_at"].is_string() && record["number"].is_number());
    assert_eq!(it["team"]["plan"], "free");
    assert_eq!(fetch(&house, it["account"]["avatar_url"].as_str().unwrap()).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_cut_off_and_says_where_it_goes_on() {
    const PROFILES: usize = 920;
    let house = House::open().await;
    let olive = house.person_on("olive", Tier::Enterprise).await;
    let metadata = json!({ "text": "x".repeat(8_000) });
    for n in 0..PROFILES {
        olive.post("/v1/profiles", json!({ "name": format!("{n}"), "metadata": metadata })).await.expect(201);
    }
    let answer = olive.get(EXPORT).await;
    assert!(answer.text.len() < 7 * 1024 * 1024 + 4096, "{}", answer.text.len());
    let it = answer.expect(200);
    assert_eq!(fields(&it), SECTIONS, "what comes behind is there, though cut off");
    assert_eq!((&it["profiles"]["truncated"], &it["mails"]["truncated"]), (&json!(true), &json!(false)));
    assert_eq!(it["mails"]["next"], json!(null));
    let mut names: Vec<String> = Vec::new();
    let mut part = it;
    loop {
        let list = &part["profiles"];
        names.extend(list["data"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()));
        assert_eq!(list["truncated"], !list["next"].is_null());
        let Some(next) = list["next"].as_str() else { break };
        for other in ["mails", "webhook_events", "audit_log", "account"] {
            olive.get(&next.replace("=profiles", &format!("={other}"))).await.refused(400, "validation-failed");
        }
        part = olive.get(next).await.expect(200);
        assert_eq!(fields(&part), ["generated_at", "profiles"]);
    }
    assert_eq!(names, (0..PROFILES).rev().map(|n| n.to_string()).collect::<Vec<_>>(), "each once, newest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_is_asked_for_by_its_name() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    let of = async |who: &Person<'_>, query: &str| who.get(&format!("{EXPORT}?{query}")).await;
    assert_eq!(fields(&of(&olive, "section=audit_log").await.expect(200)), ["audit_log", "generated_at"]);
    assert_eq!(of(&olive, "section=account").await.expect(200)["account"]["id"], olive.id);
    for wrong in ["section=secrets", "section=mails&cursor=abc", "cursor=abc", "sections=mails"] {
        of(&olive, wrong).await.refused(400, "validation-failed");
    }
    let foreign = olive.get("/v1/account/audit-log?limit=1").await.expect(200)["next_cursor"].clone();
    let foreign = foreign.as_str().unwrap();
    for who in [&olive, &ada] {
        of(who, &format!("section=mails&cursor={foreign}")).await.refused(400, "validation-failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_the_owners_and_of_their_own_account() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    let of = ada.on(&olive.id, Method::GET, EXPORT, None).await.expect(200);
    assert_eq!(of["account"]["id"], ada.id, "the header is not looked at");
    ada.key_on(&olive.id, &["read", "write", "read:audit"]).await.get(EXPORT).await.refused(403, "forbidden");
    olive.key(&["read"]).await.get(EXPORT).await.refused(403, "forbidden");
    let own = olive.key(&["account_owner"]).await.get(EXPORT).await.expect(200);
    assert_eq!(own["account"]["id"], olive.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_many_pages_is_written_whole() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for n in 0..205 {
        let create = json!({ "name": format!("key {n}"), "scopes": ["read"] });
        olive.post("/v1/api-keys", create).await.expect(201);
    }
    let it = olive.get(EXPORT).await.expect(200);
    let names: Vec<&str> =
        it["api_keys"]["data"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect();
    assert_eq!((names.len(), names[0], names[204]), (205, "key 204", "key 0"));
    assert_eq!(it["audit_log"]["data"].as_array().unwrap().len(), 207);
}
