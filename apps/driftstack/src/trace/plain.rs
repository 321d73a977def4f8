use actix_web::dev::ServiceRequest;
use tracing::Span;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{config::Settings, wire::StartError};

/// There is nothing to flush.
pub(crate) struct Traces;

impl Traces {
    #[allow(clippy::unused_async, reason = "with the feature `otel` there is something to wait for")]
    pub(crate) async fn end(self) {}
}

pub(crate) fn start(lines: impl SubscriberInitExt, _: &Settings) -> Result<Traces, StartError> {
    lines.try_init().map(|()| Traces).map_err(|error| StartError::new("the log", error))
}

pub(crate) fn of_request(id: &str, request: &ServiceRequest) -> Span {
    tracing::info_span!("http", request_id = id, method = %request.method())
}

pub(crate) fn of_operation(action: &'static str) -> Span {
    tracing::debug_span!("use", action)
}

pub(crate) fn answered(_: &Span, _: u16) {}
