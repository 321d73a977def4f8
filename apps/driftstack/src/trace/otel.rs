use std::time::Duration;

use actix_web::{
    dev::ServiceRequest,
    http::header::{HeaderMap, HeaderName},
};
use opentelemetry::{
    KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::TracerProvider,
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Metadata, Span, Subscriber, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, dynamic_filter_fn},
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{config::Settings, wire::StartError};

/// At the end, a collector that hangs is not waited for any longer.
const FLUSHED_WITHIN: Duration = Duration::from_secs(5);

/// The spans on their way to the collector, if there is one.
pub(crate) struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends what has not been sent yet.
    pub(crate) async fn end(self) {
        let Some(provider) = self.0 else { return };
        // It blocks, and so does dropping what it is made of.
        let ending = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSHED_WITHIN));
        if let Ok(Err(error)) = ending.await {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
    }
}

pub(crate) fn start<S>(lines: S, settings: &Settings) -> Result<Traces, StartError>
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    let failed = |error| StartError::new("the log", error);
    let Some(endpoint) = &settings.otlp_endpoint else {
        return lines.try_init().map(|()| Traces(None)).map_err(failed);
    };
    let provider = provider(endpoint, &settings.otlp_service_name);
    let provider = provider.map_err(|error| StartError::new("DRIFTSTACK_OTLP_ENDPOINT", error))?;
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("driftstack"))
        .with_level(false)
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(dynamic_filter_fn(belongs_to_a_request).with_max_level_hint(LevelFilter::DEBUG));
    lines.with(spans).try_init().map_err(failed)?;
    Ok(Traces(Some(provider)))
}

/// Spans alone: a line of the log may hold a link. And not what the workers look for each second.
fn belongs_to_a_request<S>(about: &Metadata<'_>, context: &Context<'_, S>) -> bool
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    about.is_span()
        && about.target().starts_with("driftstack")
        && (about.name() == "http" || context.lookup_current().is_some())
}

fn provider(endpoint: &str, service: &str) -> Result<SdkTracerProvider, ExporterBuildError> {
    let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name(service.to_owned()).with_attribute(version).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Within the caller's trace, where `traceparent` names one.
pub(crate) fn of_request(id: &str, request: &ServiceRequest) -> Span {
    let route = request.match_pattern().unwrap_or_else(|| "-".to_owned());
    let span = tracing::info_span!(
        "http",
        otel.name = format!("http.{route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.route = route,
        http.response.status_code = Empty,
        request_id = id,
        method = %request.method(),
    );
    // It fails where nothing is exported.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(request.headers())));
    span
}

pub(crate) fn of_operation(action: &'static str) -> Span {
    tracing::debug_span!("use", otel.name = format!("use.{action}"), action)
}

pub(crate) fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

struct Headers<'r>(&'r HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
