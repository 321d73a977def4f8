//! Logs: text on a terminal, JSON otherwise.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, registry};

use crate::{
    config::Settings,
    trace::{self, Traces},
    wire::StartError,
};

/// Starts logging to standard error with a tracing filter such as `info` or `driftstack=debug`, and the traces.
pub(crate) fn init(settings: &Settings) -> Result<Traces, StartError> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| StartError::new("DRIFTSTACK_LOG", error))?;
    let lines = fmt::layer().with_writer(stderr);
    let lines = if stderr().is_terminal() {
        lines.boxed()
    } else {
        lines.json().flatten_event(true).with_span_list(false).boxed()
    };
    trace::start(registry().with(lines.with_filter(filter)), settings)
}
