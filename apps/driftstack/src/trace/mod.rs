//! The spans of a request. With the feature `otel` they may be sent to a collector of OpenTelemetry.

#[cfg(feature = "otel")]
mod otel;
#[cfg(not(feature = "otel"))]
mod plain;

#[cfg(feature = "otel")]
pub(crate) use otel::{Traces, answered, of_operation, of_request, start};
#[cfg(not(feature = "otel"))]
pub(crate) use plain::{Traces, answered, of_operation, of_request, start};
