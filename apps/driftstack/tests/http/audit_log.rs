use std::time::Duration;

use driftstack_domain::audit::export::{self, Export};
use serde_json::{Value, json};

use crate::fixture::{House, Person, fields};

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_has_the_published_fields_and_its_links() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let page = olive.get("/v1/account/audit-log").await.expect(200);
    let entry = &page["data"][0];
    assert_eq!(
        fields(entry),
        [
            "account_id",
            "action",
            "actor_account_id",
            "actor_key_id",
            "actor_type",
            "hash",
            "id",
            "ip_address",
            "payload",
            "prev_hash",
            "seq",
            "target_resource_id",
            "timestamp",
            "user_agent"
        ]
    );
    assert_eq!(
        (&entry["action"], &entry["actor_type"], &entry["seq"]),
        (&json!("account.login"), &json!("customer"), &json!(2))
    );
    assert_eq!((&entry["ip_address"], &entry["user_agent"]), (&Value::Null, &Value::Null));
    assert!(entry["actor_key_id"].as_str().unwrap().starts_with("wsk_"));
    let created = &page["data"][1];
    assert_eq!(
        (&created["action"], &created["actor_type"], &created["actor_account_id"]),
        (&json!("account.created"), &json!("system"), &Value::Null)
    );
}

async fn found(olive: &Person<'_>, query: &str) -> Vec<String> {
    let page = olive.get(&format!("/v1/account/audit-log?{query}")).await.expect(200);
    page["data"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_the_log() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.pass(Duration::from_mins(1));
    let from = house.now();
    let membership = house.join(&olive, &ada, "admin").await;
    house.pass(Duration::from_mins(1));
    let to = house.now();
    ada.key_on(&olive.id, &["read"]).await;

    assert_eq!(found(&olive, "action=team.*").await, ["team.invite_accepted", "team.member_invited"]);
    assert_eq!(found(&olive, "action=team.member_invited").await, ["team.member_invited"]);
    assert_eq!(found(&olive, "action=profile.deleted").await, Vec::<String>::new());
    assert_eq!(
        found(&olive, &format!("actor_account_id={}", ada.id)).await,
        ["api_key.minted", "team.invite_accepted"]
    );
    assert_eq!(
        found(&olive, &format!("target_resource_id={}", membership["id"].as_str().unwrap())).await,
        ["team.invite_accepted"]
    );
    assert_eq!(found(&olive, &format!("from={from}&to={to}")).await, ["team.invite_accepted", "team.member_invited"]);
    assert_eq!(found(&olive, &format!("from={to}")).await, ["api_key.minted"]);

    for bad in [
        "action=*",
        "action=team.%25",
        "actor_account_id=ada",
        "from=yesterday",
        "to=2026-05-12",
        "target_resource_id=%00",
        "acton=team.*",
    ] {
        olive.get(&format!("/v1/account/audit-log?{bad}")).await.refused(400, "validation-failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_walk_the_filtered_log() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for n in 0..7 {
        olive.patch("/v1/account/me", json!({ "name": format!("Olive {n}") })).await.expect(200);
    }
    let mut walked = 0;
    let mut cursor = String::new();
    loop {
        let page =
            olive.get(&format!("/v1/account/audit-log?action=account.updated&limit=3{cursor}")).await.expect(200);
        walked += page["data"].as_array().unwrap().len();
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(walked, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_proves_itself() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for n in 0..5 {
        olive.patch("/v1/account/me", json!({ "name": format!("Olive {n}") })).await.expect(200);
    }
    let answer = olive.get("/v1/account/audit-log/export?format=json").await;
    assert_eq!(
        (answer.header("x-driftstack-export-truncated"), answer.header("content-type")),
        ("false", "application/json")
    );
    let document = answer.expect(200);
    assert_eq!(
        fields(&document),
        ["account_id", "data", "export_hash", "generated_at", "head_hash", "row_count", "truncated"]
    );
    assert_eq!((&document["row_count"], &document["truncated"]), (&json!(7), &json!(false)));
    let whole: Export = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(export::verify(whole).unwrap().seq, 7);

    let mut forged = document;
    forged["data"][3]["payload"]["fields"] = json!(["slug"]);
    assert!(export::verify(serde_json::from_value(forged).unwrap()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_entry_says_of_people_is_told_and_proven() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    olive.patch("/v1/account/me", json!({ "name": "Olive Oyl", "slug": "oyl" })).await.expect(200);
    olive.post("/v1/team/invites", json!({ "email": "ada@example.com" })).await.expect(202);
    let page = olive.get("/v1/account/audit-log?limit=2").await.expect(200);
    let (invited, updated) = (&page["data"][0], &page["data"][1]);
    assert_eq!(invited["payload"], json!({ "invitee_email": "ada@example.com", "role": "member" }));
    assert_eq!(fields(&invited["personal"]), ["invitee_email"]);
    assert_eq!(fields(&invited["personal"]["invitee_email"]), ["commitment", "salt"]);
    assert_eq!(updated["payload"], json!({ "fields": ["name", "slug"], "name_from": "olive", "name_to": "Olive Oyl" }));
    let document = olive.get("/v1/account/audit-log/export?format=json").await.expect(200);
    assert_eq!(document["data"][0], *invited);
    assert!(export::verify(serde_json::from_value(document.clone()).unwrap()).is_ok());
    let mut forged = document;
    forged["data"][0]["payload"]["invitee_email"] = json!("bo@example.com");
    let broken = export::verify(serde_json::from_value(forged).unwrap()).unwrap_err();
    assert!(broken.to_string().contains("`invitee_email` of entry 4 was changed"), "{broken}");
    let csv = olive.get("/v1/account/audit-log/export?format=csv").await;
    assert!(csv.text.contains("ada@example.com"), "{}", csv.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_for_a_spreadsheet_has_a_header_and_a_row_an_entry() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let answer = olive.get("/v1/account/audit-log/export?format=csv").await;
    assert!(answer.header("content-type").starts_with("text/csv"));
    let lines: Vec<&str> = answer.text.lines().collect();
    assert!(lines[0].starts_with("id,account_id,timestamp,"));
    assert_eq!(lines.len(), 3);
    olive.get("/v1/account/audit-log/export?format=xml").await.refused(400, "validation-failed");
}
