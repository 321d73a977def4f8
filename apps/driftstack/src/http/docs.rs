//! The reference as a page, from the OpenAPI document.

#![expect(clippy::indexing_slicing, reason = "a member that is missing from a JSON value reads as null")]

use std::fmt::Write;

use serde_json::Value;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}\
    h2{margin-top:2.5rem;border-bottom:1px solid #d0d7de}code{background:#f3f4f6;padding:.1em .3em;border-radius:4px}\
    article{margin:1.2rem 0}h3{margin:0;font-size:1rem}p{margin:.2rem 0}dl{margin:.2rem 0 0 1rem}dt{font-weight:600}\
    .method{display:inline-block;min-width:4rem;font-weight:700}";

/// Grouped by tag, each operation with its needs, its parameters and the fields of its body.
pub(super) fn page(document: &Value) -> String {
    let mut groups: Vec<(&str, String)> = Vec::new();
    for (path, methods) in entries(&document["paths"]) {
        for (method, operation) in entries(methods) {
            let tag = operation["tags"][0].as_str().unwrap_or("other");
            let article = article(document, path, method, operation);
            match groups.iter_mut().find(|(known, _)| *known == tag) {
                Some((_, text)) => text.push_str(&article),
                None => groups.push((tag, article)),
            }
        }
    }
    let mut body = String::new();
    for (tag, articles) in &groups {
        let _ = write!(body, "<h2>{}</h2>{articles}", escape(tag));
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>driftstack API</title><style>{STYLE}</style>\
         <h1>driftstack API</h1><p>The same as a machine reads it: <a href=\"openapi.json\">openapi.json</a>.</p>{body}</html>"
    )
}

fn article(document: &Value, path: &str, method: &str, operation: &Value) -> String {
    let text = |key: &str| escape(operation[key].as_str().unwrap_or_default());
    let mut html = format!(
        "<article><h3><span class=\"method\">{}</span> <code>{}</code></h3><p>{}</p><p><small>{}</small></p>",
        method.to_uppercase(),
        escape(path),
        text("summary"),
        text("description"),
    );
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let rows: Vec<(String, String)> = parameters
        .map(|parameter| (field(parameter, "name"), field(parameter, "description")))
        .chain(body_fields(document, operation))
        .collect();
    if !rows.is_empty() {
        html.push_str("<dl>");
        for (name, meaning) in rows {
            let _ = write!(html, "<dt><code>{}</code></dt><dd>{}</dd>", escape(&name), escape(&meaning));
        }
        html.push_str("</dl>");
    }
    html + "</article>"
}

fn body_fields(document: &Value, operation: &Value) -> Vec<(String, String)> {
    let reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
    let schema = reference.and_then(|text| document.pointer(text.trim_start_matches('#')));
    let properties = schema.map(|schema| &schema["properties"]);
    properties.map_or_else(Vec::new, |properties| {
        entries(properties).map(|(name, schema)| (name.to_owned(), field(schema, "description"))).collect()
    })
}

fn field(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
