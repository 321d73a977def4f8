//! The organisation dialect: accounts and teams as members and organisations, in an envelope, with numbers for ids.
//!
//! Thin translations alone. What a caller may do is in the policy table, what an organisation's plan permits in
//! `domain::organisation`; here are the words. See `docs/organisation-dialect.md`.

mod api_keys;
mod codes;
mod envelope;
mod me;
mod notifications;
mod org;
mod words;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{
    dialect::{Asked, Dialect, ErrorShape, Refusal},
    limits::Charged,
    problem::Problem,
    route::Api,
};
use crate::wire::Services;

pub use codes::reference;

/// The version that the envelope and the header name.
const VERSION: &str = "v1";

/// Begins every request id of this dialect.
const REQUEST_ID_PREFIX: &str = "bs-req-";

/// The dialect.
pub struct OrganisationDialect;

impl Dialect for OrganisationDialect {
    fn prefix(&self) -> &'static str {
        "/api/v1"
    }

    fn routes(&self, api: Api) -> Api {
        [me::routes, org::routes, notifications::routes, api_keys::routes]
            .into_iter()
            .fold(api, |api, routes| routes(api))
    }

    /// What a caller has chosen stays in it, so that they find their own id again.
    fn request_id(&self, id: String) -> String {
        if id.starts_with(REQUEST_ID_PREFIX) { id } else { format!("{REQUEST_ID_PREFIX}{id}") }
    }

    fn refuse(&self, problem: &Problem, services: &Services, asked: &Asked) -> Refusal {
        codes::refuse(problem, services, asked)
    }

    fn decorate(&self, headers: &mut HeaderMap, charged: Option<&Charged>) {
        headers.insert(HeaderName::from_static("x-api-version"), HeaderValue::from_static(VERSION));
        if let Some(charged) = charged {
            let used = charged.quota.capacity().saturating_sub(charged.verdict.remaining);
            headers.insert(HeaderName::from_static("x-ratelimit-used"), used.into());
        }
    }

    fn error_shape(&self) -> ErrorShape {
        ErrorShape {
            name: "OrganisationError",
            description: "What went wrong, in the envelope of the organisation dialect.",
            content_type: "application/json",
            schema: codes::schema,
        }
    }
}
