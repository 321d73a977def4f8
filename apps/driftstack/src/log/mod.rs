//! Logs: text on a terminal, JSON otherwise.

mod lines;

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, registry};

use crate::{
    config::Settings,
    trace::{self, Traces},
    wire::StartError,
};
use lines::Lines;

/// The log and the traces of this process. What they still hold goes out at their end.
pub(crate) struct Log {
    traces: Traces,
    _lines: Option<Lines>,
}

impl Log {
    pub(crate) async fn end(self) {
        self.traces.end().await;
    }
}

/// Starts logging to standard error with a tracing filter such as `info` or `driftstack=debug`, and the traces.
pub(crate) fn init(settings: &Settings) -> Result<Log, StartError> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| StartError::new("DRIFTSTACK_LOG", error))?;
    let waiting = (!stderr().is_terminal()).then(|| Lines::to(stderr()));
    let lines = match &waiting {
        None => fmt::layer().with_writer(stderr).boxed(),
        Some(lines) => {
            fmt::layer().with_writer(lines.writer()).json().flatten_event(true).with_span_list(false).boxed()
        }
    };
    Ok(Log { traces: trace::start(registry().with(lines.with_filter(filter)), settings)?, _lines: waiting })
}
