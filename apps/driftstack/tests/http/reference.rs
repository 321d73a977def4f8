//! The OpenAPI document and what is made of it.

use driftstack::http::{self, codes, openapi, organisation};
use serde_json::Value;

use crate::fixture::House;

fn document() -> Value {
    openapi::document(&http::api(), "https://errors.driftstack.dev/")
}

#[test]
fn every_route_is_in_the_document_with_its_security() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    for route in http::api().routes() {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let gates = route.action.gates();
        let id = operation["operationId"].as_str().unwrap();
        assert_eq!(id.strip_suffix(".alias").unwrap_or(id), gates.name, "{} {}", route.method, route.path);
        let needs_credential = gates.callers != driftstack_domain::policy::Callers::Anybody;
        assert_eq!(!operation["security"].as_array().unwrap().is_empty(), needs_credential);
        assert!(operation["responses"].as_object().unwrap().len() >= 2, "{} has no answer", gates.name);
    }
}

#[test]
fn no_two_shapes_have_one_name() {
    let document = document();
    for route in http::api().routes() {
        for (name, schema) in openapi::describe(route).1 {
            assert_eq!(document["components"]["schemas"][&name], serde_json::to_value(schema).unwrap(), "{name}");
        }
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn check(root: &Value, value: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    assert!(root.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
                }
                map.values().for_each(|value| check(root, value));
            }
            Value::Array(list) => list.iter().for_each(|value| check(root, value)),
            _ => {}
        }
    }
    let document = document();
    check(&document, &document);
}

#[test]
fn the_reference_of_errors_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    let expected = format!(
        "# Errors\n\nEvery error is a problem document (RFC 9457): `type` is `https://errors.driftstack.dev/` and the slug.\n\
         This page is made from `apps/driftstack/src/http/codes.rs`; `BLESS=1 cargo test -p driftstack` rewrites it.\n\n{}\n\
         ## In the organisation dialect\n\n\
         There an error is `{{api, error {{code, message, detail, retryable, retry_after_seconds, action}}}}`, and `retryable` is true where\n\
         the action is `retry_later`. From `apps/driftstack/src/http/organisation/codes.rs`.\n\n{}",
        codes::reference(),
        organisation::reference()
    );
    #[expect(clippy::disallowed_methods, reason = "a test may be told to rewrite its golden file")]
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_and_the_page_are_served() {
    let house = House::open().await;
    assert_eq!(house.get("/openapi.json").await.expect(200), document());
    let page = house.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("/v1/team/invites/accept") && !page.text.contains("<script"));
}
