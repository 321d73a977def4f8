//! `{api, data}` and `{api, error}`.

#![expect(clippy::indexing_slicing, reason = "what is indexed here is an object that was made here")]

use actix_web::{HttpMessage, HttpRequest, HttpResponse, Responder, body::BoxBody, http::StatusCode};
use driftstack_domain::time::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{VERSION, words::Seconds};
use crate::{
    http::{answer::Told, dialect::Asked, gate::services, openapi::Description, problem::Problem, route::Describe},
    wire::Services,
};

/// What stands in every answer.
#[derive(Serialize, ToSchema)]
pub(super) struct AboutView<'a> {
    version: &'static str,
    /// `bs-req-…`, the same as in the header `X-Request-ID`.
    request_id: &'a str,
    #[schema(value_type = String, format = "date-time")]
    timestamp: Seconds,
    processing_ms: u64,
}

impl<'a> AboutView<'a> {
    pub(super) fn new(asked: &'a Asked, services: &Services) -> Self {
        Self::at(asked, services.clock.now())
    }

    fn at(asked: &'a Asked, now: Timestamp) -> Self {
        let took = asked.begun.elapsed().as_millis();
        let processing_ms = u64::try_from(took).unwrap_or(u64::MAX);
        Self { version: VERSION, request_id: &asked.id, timestamp: Seconds(now), processing_ms }
    }
}

/// 200.
#[derive(Debug)]
pub(super) struct Said<T>(pub(super) T);

/// 201.
#[derive(Debug)]
pub(super) struct SaidNew<T>(pub(super) T);

impl<T: Serialize> Responder for Said<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        say(request, StatusCode::OK, serde_json::to_vec(&self.0).ok())
    }
}

impl<T: Serialize> Responder for SaidNew<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        say(request, Self::STATUS, serde_json::to_vec(&self.0).ok())
    }
}

impl<T: Serialize> Told for SaidNew<T> {
    type View = T;
    const STATUS: StatusCode = StatusCode::CREATED;

    fn view(&self) -> &T {
        &self.0
    }

    /// What was made is told again; the envelope is that of this request.
    fn again(status: StatusCode, body: Vec<u8>, request: &HttpRequest) -> HttpResponse {
        say(request, status, Some(body))
    }
}

/// The data is written already: so what was kept for somebody who asks again fits in as well.
fn say(request: &HttpRequest, status: StatusCode, data: Option<Vec<u8>>) -> HttpResponse {
    let about = services(request).ok().zip(request.extensions().get::<Asked>().cloned());
    let about = about.and_then(|(services, asked)| serde_json::to_vec(&AboutView::new(&asked, services)).ok());
    let Some((about, data)) = about.zip(data) else { return HttpResponse::from_error(Problem::internal()) };
    let body = [b"{\"api\":".as_slice(), &about, b",\"data\":", &data, b"}"].concat();
    HttpResponse::build(status).content_type("application/json").body(body)
}

fn describe<T: ToSchema>(description: &mut Description, status: StatusCode) {
    let (api, data) = (description.schema::<AboutView<'_>>(), description.schema::<T>());
    let schema = json!({ "type": "object", "required": ["api", "data"], "properties": { "api": api, "data": data } });
    description.operation["responses"][status.as_str()] =
        json!({ "description": "Done.", "content": { "application/json": { "schema": schema } } });
}

impl<T: ToSchema> Describe for Said<T> {
    fn describe(description: &mut Description) {
        describe::<T>(description, StatusCode::OK);
    }
}
