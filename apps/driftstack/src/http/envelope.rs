//! What every answer has, whatever made it: a request id, the security headers, the rate limit, and one shape of error.

use std::time::Instant;

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};
use tracing::Instrument;

use super::{
    dialect::{self, Asked, Dialect, Refusal},
    limits::Charged,
    problem::Problem,
};
use crate::{metrics, trace, wire::Services};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID_CHARS: usize = 128;

/// The middleware around every route.
pub async fn envelope<B: MessageBody + 'static>(
    services: Data<Services>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let dialect = dialect::of(request.match_info().unprocessed());
    let begun = Instant::now();
    let id = dialect.request_id(given_id(&request).unwrap_or_else(|| services.ids.next().to_string()));
    let about = Asked { id: id.clone(), begun };
    request.extensions_mut().insert(about.clone());
    let span = trace::of_request(&id, &request);
    let response = next.call(request).instrument(span.clone()).await?;
    let _entered = span.enter();
    let mut response = finish(response, &services, dialect, &about);
    decorate(&mut response, &services, dialect, &id);
    let route = response.request().match_pattern().unwrap_or_else(|| "-".to_owned());
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    trace::answered(&span, status);
    metrics::answered(&route, response.request().method().as_str(), status, took);
    tracing::info!(route, status, millis = took.as_secs_f64() * 1000.0, "answered");
    Ok(response)
}

/// An id that came in is kept when it is of a sane length and alphabet: it goes into headers and log lines.
fn given_id(request: &ServiceRequest) -> Option<String> {
    let text = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let sane = (1..=MAX_REQUEST_ID_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    sane.then(|| text.to_owned())
}

/// Writes an answer that is an error in the words of its dialect.
fn finish<B: MessageBody>(
    response: ServiceResponse<B>,
    services: &Services,
    dialect: &dyn Dialect,
    about: &Asked,
) -> ServiceResponse<EitherBody<B, BoxBody>> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response.map_into_left_body();
    }
    let problem = response.response().extensions().get::<Problem>().cloned();
    let problem = problem.unwrap_or_else(|| Problem::of_status(status));
    let Refusal { status, content_type, body } = dialect.refuse(&problem, services, about);
    response.map_body(|head, _| {
        head.status = status;
        head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        EitherBody::right(BoxBody::new(body))
    })
}

fn decorate<B>(response: &mut ServiceResponse<B>, services: &Services, dialect: &dyn Dialect, id: &str) {
    let charged = response.request().extensions().get::<Charged>().copied();
    let headers: &mut HeaderMap = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(charged) = charged {
        charged.write(headers, services.clock.now());
    }
    dialect.decorate(headers, charged.as_ref());
}
