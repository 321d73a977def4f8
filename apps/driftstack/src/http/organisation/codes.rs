//! The errors of this dialect: the one table of code, status and what a client may do about it.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use driftstack_domain::policy::{Denied, Scope, Standing};
use serde::Serialize;
use serde_json::{Value, json};

use super::envelope::AboutView;
use crate::{
    http::{
        codes::Code,
        dialect::{Asked, Refusal},
        problem::{Issue, IssueKind, Problem},
    },
    wire::Services,
};

/// What a client may do about an error.
#[derive(Clone, Copy)]
enum Advice {
    /// The same request may succeed later.
    RetryLater,
    FixInput,
    UseDifferentKey,
    ContactUs,
}

impl Advice {
    const fn as_str(self) -> &'static str {
        match self {
            Self::RetryLater => "retry_later",
            Self::FixInput => "fix_input",
            Self::UseDifferentKey => "use_different_key",
            Self::ContactUs => "contact_us",
        }
    }
}

#[derive(Clone, Copy)]
struct Class {
    status: StatusCode,
    code: &'static str,
    advice: Advice,
}

const fn class(status: StatusCode, code: &'static str, advice: Advice) -> Class {
    Class { status, code, advice }
}

const VIEWER_ROLE: Class = class(StatusCode::FORBIDDEN, "viewer_role", Advice::UseDifferentKey);
const TIER_GATE: Class = class(StatusCode::PAYMENT_REQUIRED, "TIER_GATE", Advice::ContactUs);

/// What a class of problems is called here.
const fn class_of(code: Code) -> Class {
    match code {
        // A body that is no JSON is told as one that does not fit: there is no other class for it.
        Code::BadRequest | Code::ValidationFailed | Code::InvalidAuthToken => {
            class(StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", Advice::FixInput)
        }
        Code::Unauthorized | Code::InvalidKey | Code::RevokedKey | Code::ExpiredKey | Code::InvalidCredentials => {
            class(StatusCode::UNAUTHORIZED, "AUTH_REQUIRED", Advice::UseDifferentKey)
        }
        Code::Forbidden | Code::EmailNotVerified | Code::MfaStepUpRequired => {
            class(StatusCode::FORBIDDEN, "FORBIDDEN", Advice::UseDifferentKey)
        }
        Code::NotFound => class(StatusCode::NOT_FOUND, "NOT_FOUND", Advice::FixInput),
        Code::MethodNotAllowed => class(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", Advice::FixInput),
        Code::Conflict | Code::EmailAlreadyRegistered => class(StatusCode::CONFLICT, "CONFLICT", Advice::FixInput),
        Code::PayloadTooLarge => class(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", Advice::FixInput),
        Code::UnsupportedMediaType => {
            class(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", Advice::FixInput)
        }
        Code::RateLimited | Code::ConcurrencyLimit => {
            class(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", Advice::RetryLater)
        }
        // Waiting makes no room for more than the tier allows.
        Code::TierLimit => class(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", Advice::ContactUs),
        // What comes to this is no passing thing: those are `Unavailable`.
        Code::Internal => class(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", Advice::ContactUs),
        Code::Unavailable => class(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", Advice::RetryLater),
        Code::FeatureUnavailable => class(StatusCode::SERVICE_UNAVAILABLE, "FEATURE_UNAVAILABLE", Advice::ContactUs),
    }
}

/// Some refusals of the policy have a class of their own.
fn class_of_problem(problem: &Problem) -> Class {
    match problem.denied {
        Some(Denied::Standing { has: Standing::Member, .. }) => VIEWER_ROLE,
        Some(Denied::Plan(_)) => TIER_GATE,
        // The first request is still running.
        None if problem.code == Code::Conflict && problem.retry_after.is_some() => {
            Class { advice: Advice::RetryLater, ..class_of(problem.code) }
        }
        _ => class_of(problem.code),
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    api: AboutView<'a>,
    error: ErrorView<'a>,
}

#[derive(Serialize)]
struct ErrorView<'a> {
    code: &'static str,
    message: &'a str,
    detail: Option<Value>,
    retryable: bool,
    retry_after_seconds: Option<u64>,
    action: &'static str,
}

pub(super) fn refuse(problem: &Problem, services: &Services, asked: &Asked) -> Refusal {
    let Class { status, code, advice } = class_of_problem(problem);
    let message = message(problem);
    let error = ErrorView {
        code,
        message: &message,
        detail: detail(problem, services),
        retryable: matches!(advice, Advice::RetryLater),
        retry_after_seconds: problem.retry_after,
        action: advice.as_str(),
    };
    let envelope = Envelope { api: AboutView::new(asked, services), error };
    // Strings and numbers: nothing of it cannot be written.
    let body = serde_json::to_string(&envelope).unwrap_or_default();
    Refusal { status, content_type: "application/json", body }
}

fn message(problem: &Problem) -> String {
    match (problem.denied, problem.code) {
        (Some(Denied::Standing { has: Standing::Member, .. }), _) => {
            "your role in this organisation is viewer, which reads; an owner or admin is needed for it".to_owned()
        }
        (_, Code::Internal) => "the error was noted under the request id".to_owned(),
        _ => problem.detail.clone(),
    }
}

/// What stands beside the message, by the kind of error.
fn detail(problem: &Problem, services: &Services) -> Option<Value> {
    if let Some(detail) = problem.denied.and_then(|denied| detail_of(denied, services)) {
        return Some(detail);
    }
    if class_of(problem.code).status == StatusCode::UNPROCESSABLE_ENTITY {
        return Some(fields(problem));
    }
    let members = problem.members.iter().filter(|(name, _)| *name != "retry_after_seconds");
    let members: serde_json::Map<_, _> = members.map(|(name, value)| (name.clone(), value.clone())).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

fn detail_of(denied: Denied, services: &Services) -> Option<Value> {
    match denied {
        Denied::Plan(gate) => Some(json!({
            "feature": gate.feature,
            "required_tier": gate.required,
            "upgrade_url": format!("{}{}", services.public_url, gate.upgrade_path()),
        })),
        Denied::Scope { needs } => {
            let needs: Vec<&str> = needs.iter().copied().map(Scope::as_str).collect();
            Some(json!({ "error": "insufficient_scope", "required_scope": needs.join(" or ") }))
        }
        Denied::AccountSuspended
        | Denied::WorkspaceSuspended
        | Denied::NoMembership
        | Denied::KeyStaysHome
        | Denied::Standing { .. }
        | Denied::KeyInMembersHands
        | Denied::SessionNeeded
        | Denied::ProofNeeded { .. } => None,
    }
}

/// A list in any case; what lies in no field is said of the request as a whole.
fn fields(problem: &Problem) -> Value {
    if problem.issues.is_empty() {
        return json!([{ "field": "request", "message": problem.detail, "type": "malformed" }]);
    }
    problem.issues.iter().map(field).collect()
}

fn field(issue: &Issue) -> Value {
    let name = if issue.path.is_empty() { "request" } else { &issue.path };
    let kind = match issue.kind {
        IssueKind::Missing => "missing",
        IssueKind::Unknown => "extra_forbidden",
        IssueKind::Type => "type_error",
        IssueKind::Value => "value_error",
    };
    json!({ "field": name, "message": issue.message, "type": kind })
}

fn classes() -> impl Iterator<Item = Class> {
    Code::ALL.iter().copied().map(class_of).chain([VIEWER_ROLE, TIER_GATE])
}

/// The schema of an error.
pub(super) fn schema(_: &str) -> Value {
    let codes: BTreeSet<&str> = classes().map(|class| class.code).collect();
    let nullable = |kind: &str| json!({ "type": [kind, "null"] });
    json!({
        "type": "object",
        "required": ["api", "error"],
        "properties": {
            "api": {
                "type": "object",
                "required": ["version", "request_id", "timestamp", "processing_ms"],
                "properties": {
                    "version": { "type": "string" },
                    "request_id": { "type": "string" },
                    "timestamp": { "type": "string", "format": "date-time" },
                    "processing_ms": { "type": "integer" },
                },
            },
            "error": {
                "type": "object",
                "required": ["code", "message", "detail", "retryable", "retry_after_seconds", "action"],
                "properties": {
                    "code": { "type": "string", "enum": codes },
                    "message": { "type": "string" },
                    "detail": { "description": "A list of `{field, message, type}` of a `VALIDATION_ERROR`; an object or null otherwise." },
                    "retryable": { "type": "boolean", "description": "Whether the very same request may succeed later." },
                    "retry_after_seconds": nullable("integer"),
                    "action": { "type": "string", "enum": ["retry_later", "fix_input", "use_different_key", "contact_us"] },
                },
            },
        },
    })
}

/// The reference of errors, as Markdown.
pub fn reference() -> String {
    let mut rows: Vec<String> = classes()
        .map(|class| format!("| `{}` | {} | `{}` |\n", class.code, class.status.as_u16(), class.advice.as_str()))
        .collect();
    rows.sort();
    rows.dedup();
    format!("| code | status | action |\n| --- | --: | --- |\n{}", rows.concat())
}
