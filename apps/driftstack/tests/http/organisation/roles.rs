//! Owner, admin and viewer, by session and by key; the active organisation.

use driftstack_domain::tier::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::{KEYS, ME, NOTIFICATIONS, ORG, ORGS, give_role, go, key, org_id, say, together, writes};
use crate::fixture::{House, Person, send};

async fn role_of(who: &Person<'_>) -> (Value, Value, Value) {
    let me = who.get(ME).await.data(200);
    (me["role"].clone(), me["org_name"].clone(), me["email"].clone())
}

fn words(role: &str, org: &str, who: &Person<'_>) -> (Value, Value, Value) {
    (json!(role), json!(org), json!(who.email))
}

/// Everybody who belongs there reads.
async fn reads(who: &Person<'_>) {
    for path in [ME, ORG, NOTIFICATIONS, KEYS] {
        who.get(path).await.data(200);
    }
}

async fn is_a_viewer(who: &Person<'_>) {
    reads(who).await;
    for request in writes(who) {
        let error = send(request).await.error(403, "viewer_role");
        assert_eq!((&error["retryable"], &error["detail"]), (&json!(false), &Value::Null));
    }
}

/// Everything that is refused here is so for another reason than the role.
async fn writes_freely(who: &Person<'_>, lends: bool) {
    reads(who).await;
    let statuses: Vec<u16> =
        futures_util::future::join_all(writes(who).into_iter().map(send)).await.iter().map(|it| it.status).collect();
    let keys = if lends { [201, 404] } else { [403, 403] };
    assert_eq!(statuses, [[200, 200, 200].as_slice(), &keys].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_does_everything() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Enterprise).await;
    writes_freely(&olive, true).await;
    let ci = key(&olive).await;
    assert_eq!(role_of(&ci).await, words("owner", "X", &olive));
    writes_freely(&ci, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_writes_and_a_key_of_theirs_does_but_for_keys() {
    let house = House::open().await;
    let (olive, ada, _) = together(&house, "admin").await;
    assert_eq!(role_of(&ada).await, words("admin", "olive", &ada));
    writes_freely(&ada, true).await;
    assert_eq!(olive.get(ORG).await.data(200)["name"], "X");
    assert_eq!(olive.get(ME).await.data(200)["name"], "olive", "it is her own name that Ada has changed");
    let ci = key(&ada).await;
    assert_eq!(role_of(&ci).await, words("admin", "X", &ada));
    writes_freely(&ci, false).await;
    let lacks = send(writes(&ci).remove(3)).await.error(403, "FORBIDDEN");
    assert_eq!(lacks["detail"], json!({ "error": "insufficient_scope", "required_scope": "account_owner or admin" }));
    let owners = json!({ "name": "x", "scopes": ["account_owner"] });
    ada.post(KEYS, owners).await.error(403, "FORBIDDEN");
    assert!(olive.log().await.contains(&"team.updated".to_owned()));
    let entry = olive.get("/v1/account/audit-log?action=team.updated").await.expect(200)["data"][0].clone();
    assert_eq!(entry["actor_account_id"], ada.id, "whoever did it, on the log of the owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_and_hears_why_not_more() {
    let house = House::open().await;
    let (olive, ada, membership) = together(&house, "admin").await;
    let ci = key(&ada).await;
    let reading = ada.post(KEYS, json!({ "name": "ro", "scopes": ["read"] })).await.data(201);
    let reading = ada.with_token(&reading["key"]);
    give_role(&olive, &membership, "member").await;
    for who in [&ada, &ci, &reading] {
        assert_eq!(role_of(who).await, words("viewer", "olive", &ada));
        is_a_viewer(who).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_who_becomes_an_admin_writes_with_the_next_call() {
    let house = House::open().await;
    let (olive, ada, membership) = together(&house, "admin").await;
    let ci = key(&ada).await;
    let name = async |who: &Person<'_>| who.put(ORG, json!({ "name": "Y" })).await;
    give_role(&olive, &membership, "member").await;
    name(&ada).await.error(403, "viewer_role");
    name(&ci).await.error(403, "viewer_role");
    give_role(&olive, &membership, "admin").await;
    name(&ada).await.data(200);
    name(&ci).await.data(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_removed_is_at_home_with_the_next_call() {
    let house = House::open().await;
    let (olive, ada, membership) = together(&house, "admin").await;
    let ci = key(&ada).await;
    olive.delete(&format!("/v1/team/members/{membership}")).await.expect(204);
    assert_eq!(role_of(&ada).await, words("owner", "ada", &ada));
    ci.get(ME).await.error(401, "AUTH_REQUIRED");
    ada.put(ORG, json!({ "name": "Mine" })).await.data(200);
    assert_eq!(olive.get(ORG).await.data(200)["name"], "olive");
    let orgs = ada.get(ORGS).await.data(200)["orgs"].clone();
    assert_eq!(orgs, json!([{ "id": org_id(&ada).await, "name": "Mine", "role": "owner", "active": true }]));
    ada.put(ME, json!({ "org_id": org_id(&olive).await })).await.error(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_owner_sends_members_home_until_it_is_over() {
    let house = House::open().await;
    let (olive, ada, _) = together(&house, "member").await;
    let sam = house.person("sam").await;
    house.services.operator.set_staff(&driftstack_domain::testing::people::email(&sam.email), true).await.unwrap();
    let staff =
        async |verb: &str| sam.post(&format!("/v1/admin/accounts/{}/{verb}", olive.id), json!({})).await.expect(200);
    staff("suspend").await;
    olive.get(ME).await.error(403, "FORBIDDEN");
    assert_eq!(role_of(&ada).await, words("owner", "ada", &ada));
    staff("unsuspend").await;
    assert_eq!(role_of(&ada).await, words("viewer", "olive", &ada));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_goes_where_one_belongs_and_nowhere_else() {
    let house = House::open().await;
    let (olive, ada, _) = together(&house, "member").await;
    let bo = house.person("bo").await;
    let orgs = ada.get(ORGS).await.data(200)["orgs"].clone();
    let shown: Vec<_> = orgs
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["name"].clone(), it["role"].clone(), it["active"].clone()))
        .collect();
    assert_eq!(shown, [(json!("ada"), json!("owner"), json!(false)), (json!("olive"), json!("viewer"), json!(true))]);
    // A stranger learns as little of an organisation as of one that is not there.
    let foreign = bo.put(ME, json!({ "org_id": org_id(&olive).await })).await.error(404, "NOT_FOUND");
    assert_eq!(foreign, bo.put(ME, json!({ "org_id": 4711 })).await.error(404, "NOT_FOUND"));
    assert_eq!(go(&ada, &ada).await["role"], "owner");
    // The name and the organisation at once, by the role where one is.
    let both = ada.put(ME, json!({ "name": "Ada L.", "org_id": org_id(&olive).await })).await.data(200);
    assert_eq!(
        (&both["name"], &both["org_name"], &both["role"]),
        (&json!("Ada L."), &json!("olive"), &json!("viewer"))
    );
    ada.put(ME, json!({ "name": "Ada", "org_id": org_id(&ada).await })).await.error(403, "viewer_role");
    assert_eq!(role_of(&ada).await.0, "viewer", "nothing of it was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stays_where_it_was_minted() {
    let house = House::open().await;
    let (olive, ada, _) = together(&house, "admin").await;
    let there = key(&ada).await;
    go(&ada, &ada).await;
    let here = key(&ada).await;
    assert_eq!(role_of(&there).await, words("admin", "olive", &ada));
    assert_eq!(role_of(&here).await, words("owner", "ada", &ada));
    let elsewhere = json!({ "org_id": org_id(&olive).await });
    here.put(ME, elsewhere.clone()).await.error(403, "FORBIDDEN");
    there.get(ORGS).await.error(403, "FORBIDDEN");
    // The header of the other dialect means nothing here.
    let with_header = say(there.request(Method::GET, ME).header("x-driftstack-account", &ada.id)).await;
    assert_eq!(with_header.data(200)["org_name"], "olive");
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_are_those_of_whoever_calls() {
    let house = House::open().await;
    let (olive, ada, _) = together(&house, "admin").await;
    let set = json!({ "tier-changed": false, "audit_high_severity": false });
    let lent = key(&ada).await;
    lent.put(NOTIFICATIONS, set).await.error(403, "FORBIDDEN");
    ada.put(NOTIFICATIONS, json!({ "audit_high_severity": false })).await.data(200);
    let then = lent.put(NOTIFICATIONS, json!({ "tier-changed": false })).await.data(200);
    assert_eq!(then, ada.get(NOTIFICATIONS).await.data(200));
    assert_eq!(
        (&then["tier-changed"], &then["audit_high_severity"], &then["billing-receipt"]),
        (&json!(false), &json!(false), &json!(true))
    );
    assert!(olive.get(NOTIFICATIONS).await.data(200).as_object().unwrap().values().all(|wanted| wanted == true));
    let other = ada.get("/v1/account/email-preferences").await.expect(200)["data"].clone();
    assert!(other.as_array().unwrap().contains(&json!({ "event_type": "tier-changed", "opted_in": false })), "{other}");
    assert_eq!(ada.log().await.iter().filter(|it| *it == "account.email_preferences_changed").count(), 2);
    ada.put(NOTIFICATIONS, json!({ "password-reset": false })).await.error(422, "VALIDATION_ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_no_severe_entries_has_a_quiet_stream() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let mut stream = crate::stream::Stream::open(olive.request(Method::GET, "/v1/account/me/notifications")).await;
    stream.opening().await;
    olive.put(NOTIFICATIONS, json!({ "audit_high_severity": false })).await.data(200);
    olive.key(&["read"]).await;
    for _ in 0..3 {
        assert_eq!(stream.block().await.as_deref(), Some(": heartbeat"));
    }
    olive.put(NOTIFICATIONS, json!({ "audit_high_severity": true })).await.data(200);
    olive.key(&["read"]).await;
    assert_eq!(stream.event().await.data()["action"], "api_key.minted");
}
