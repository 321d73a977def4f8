//! The documents of the published API: the same keys, in the same order, of the same types.

use driftstack_domain::tier::Plan;
use serde_json::json;

use super::{KEYS, ME, NOTIFICATIONS, ORG, ORGS, in_envelope};
use crate::fixture::House;

/// As it was published.
const ME_AS_PUBLISHED: &str = r#"{
"data": {
"id": 1,
"email": "[email protected]",
"name": "Your Name",
"tier": "professional",
"org_id": 3,
"org_name": "Your Organization",
"created_at": "2025-11-01T09:00:00Z",
"permissions": {
"search_max_results": 5000,
"sage_visible": true,
"virtual_patch": true,
"api_keys": true
}
}
}"#;

/// The text of a document with every value replaced by its type: keys, their order and the structure stay as they are. Times
/// keep their form.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => 2 + rest[1..].find('"').unwrap(),
            c if c.is_ascii_digit() || c == '-' || c.is_ascii_alphabetic() => {
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))).unwrap_or(rest.len())
            }
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match first {
            '"' if after.trim_start().starts_with(':') => shape.push_str(token),
            '"' => shape.push_str(&string(token)),
            c if c.is_ascii_digit() || c == '-' => shape.push('0'),
            't' | 'f' => shape.push_str("bool"),
            c if c.is_whitespace() => {}
            _ => shape.push_str(token),
        }
        rest = after;
    }
    shape
}

fn string(token: &str) -> String {
    let masked: String = token.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    if masked == "\"9999-99-99T99:99:99Z\"" { masked } else { "text".to_owned() }
}

/// The data of an answer as it stands there.
fn data(text: &str) -> &str {
    text.split_once("\"data\":").unwrap().1.strip_suffix('}').unwrap()
}

#[test]
fn a_shape_keeps_what_a_parser_would_lose() {
    assert_eq!(shape(r#"{"b": 1, "a": [true, null, "x: y"]}"#), r#"{"b":0,"a":[bool,null,text]}"#);
    assert_ne!(shape(r#"{"at":"2025-11-01T09:00:00Z"}"#), shape(r#"{"at":"2025-11-01T09:00:00.000Z"}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_calling_has_the_published_fields_and_the_role() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Professional).await;
    let published = shape(ME_AS_PUBLISHED);
    let published = data(&published).strip_suffix('}').unwrap().to_owned();
    let got = olive.get(ME).await;
    in_envelope(&got);
    assert_eq!(shape(data(&got.text)), format!("{published},\"role\":text}}"));
    let changed = olive.put(ME, json!({ "name": "Your Name" })).await;
    assert_eq!(shape(&changed.text), shape(&got.text));
    let me = got.json()["data"].clone();
    assert_eq!(
        (&me["id"], &me["org_id"], &me["tier"], &me["role"]),
        (&json!(1), &json!(1), &json!("professional"), &json!("owner"))
    );
    assert_eq!(
        me["permissions"],
        json!({ "search_max_results": 5000, "sage_visible": true, "virtual_patch": true, "api_keys": true })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_documents_have_these_fields() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Enterprise).await;
    let moment = "\"9999-99-99T99:99:99Z\"";
    let org = format!(
        "{{\"id\":0,\"name\":text,\"tier\":text,\"owner\":{{\"id\":0,\"email\":text,\"name\":text}},\"member_count\":0,\"created_at\":{moment},\
         \"permissions\":{{\"search_max_results\":0,\"sage_visible\":bool,\"virtual_patch\":bool,\"api_keys\":bool,\"webhook_delivery\":bool}}}}"
    );
    for answer in [olive.get(ORG).await, olive.put(ORG, json!({ "name": "Acme" })).await] {
        assert_eq!(shape(data(&answer.text)), org);
    }
    let notices = "{\"signup-welcome\":bool,\"session-success-first\":bool,\"session-failed-first\":bool,\"tier-changed\":bool,\
                   \"billing-receipt\":bool,\"billing-renewal-reminder\":bool,\"audit_high_severity\":bool}";
    for answer in [olive.get(NOTIFICATIONS).await, olive.put(NOTIFICATIONS, json!({ "tier-changed": false })).await] {
        assert_eq!(shape(data(&answer.text)), notices);
    }
    let minted = olive.post(KEYS, json!({ "name": "ci" })).await;
    let key = format!(
        "\"id\":text,\"name\":text,\"key_prefix\":text,\"scopes\":[text],\"created_at\":{moment},\"last_used_at\":null,\
         \"expires_at\":null,\"revoked_at\":null"
    );
    assert_eq!(shape(data(&minted.text)), format!("{{{key},\"key\":text}}"));
    let listed = olive.get(KEYS).await;
    assert_eq!(
        shape(data(&listed.text)),
        format!("{{\"api_keys\":[{{{key}}}],\"has_more\":bool,\"next_cursor\":null}}")
    );
    let orgs = olive.get(ORGS).await;
    assert_eq!(shape(data(&orgs.text)), "{\"orgs\":[{\"id\":0,\"name\":text,\"role\":text,\"active\":bool}]}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_a_name_is_shown_by_their_address() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    olive.patch("/v1/account/me", json!({ "name": null })).await.expect(200);
    assert_eq!(olive.get(ME).await.data(200)["name"], olive.email);
}
