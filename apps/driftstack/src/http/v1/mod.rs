//! The Driftstack dialect.

mod account;
mod account_export;
mod activations;
mod admin;
mod api_keys;
mod audit_log;
mod auth;
mod avatar;
mod email_change;
mod email_preferences;
mod export;
mod invites;
mod members;
mod mfa;
mod notifications;
mod profiles;
mod sessions;
mod team;
mod usage;
mod web_sessions;
mod webhooks;

use actix_web::http::header::HeaderMap;
use serde_json::{Value, json};

use super::{
    codes::Code,
    dialect::{Asked, Dialect, ErrorShape, Refusal},
    limits::Charged,
    problem::Problem,
    route::Api,
};
use crate::wire::Services;

/// The dialect, whose errors are problem documents.
pub struct Driftstack;

impl Dialect for Driftstack {
    fn prefix(&self) -> &'static str {
        "/v1"
    }

    fn routes(&self, api: Api) -> Api {
        routes(api)
    }

    fn refuse(&self, problem: &Problem, services: &Services, asked: &Asked) -> Refusal {
        let body = problem.document(&services.problem_type_base, &asked.id).to_string();
        Refusal { status: problem.code.status(), content_type: self.error_shape().content_type, body }
    }

    fn decorate(&self, _: &mut HeaderMap, _: Option<&Charged>) {}

    fn error_shape(&self) -> ErrorShape {
        ErrorShape {
            name: "Problem",
            description: "What went wrong, as a problem document (RFC 9457).",
            content_type: "application/problem+json",
            schema: problem_schema,
        }
    }
}

fn routes(api: Api) -> Api {
    let parts = [
        auth::routes,
        mfa::routes,
        activations::routes,
        account::routes,
        account_export::routes,
        notifications::routes,
        email_change::routes,
        web_sessions::routes,
        avatar::routes,
        invites::routes,
        members::routes,
        team::routes,
        api_keys::routes,
        audit_log::routes,
        email_preferences::routes,
        sessions::routes,
        profiles::routes,
        usage::routes,
        webhooks::routes,
        admin::routes,
    ];
    parts.into_iter().fold(api, |api, routes| routes(api))
}

fn problem_schema(type_base: &str) -> Value {
    let types: Vec<String> = Code::ALL.iter().map(|code| format!("{type_base}{}", code.slug())).collect();
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": { "type": "string", "format": "uri", "enum": types },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "instance": { "type": "string", "description": "The request id." },
            "issues": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["path", "message"],
                    "properties": { "path": { "type": "string" }, "message": { "type": "string" } },
                },
            },
            "retry_after_seconds": { "type": "integer" },
            "idempotency_status": { "type": "string", "enum": ["in_progress", "mismatch"] },
        },
    })
}
