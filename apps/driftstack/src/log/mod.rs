//! Logs: text on a terminal, JSON otherwise.

mod lines;

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, Layer, filter::ParseError, fmt, layer::SubscriberExt, registry};

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

/// What the framework speaks as.
const FRAMEWORK: &str = "actix_http";

/// A request that is no HTTP is answered by the framework, which then logs an error: anybody who scans ports could have the
/// operator called. So it is heard only where the filter names it.
fn filter(text: &str) -> Result<EnvFilter, ParseError> {
    if text.contains(FRAMEWORK) {
        EnvFilter::try_new(text)
    } else {
        EnvFilter::try_new(format!("{text},{FRAMEWORK}=off"))
    }
}

/// Starts logging to standard error with a tracing filter such as `info` or `driftstack=debug`, and the traces.
pub(crate) fn init(settings: &Settings) -> Result<Log, StartError> {
    let filter = filter(&settings.log).map_err(|error| StartError::new("DRIFTSTACK_LOG", error))?;
    let waiting = (!stderr().is_terminal()).then(|| Lines::to(stderr()));
    let lines = match &waiting {
        None => fmt::layer().with_writer(stderr).boxed(),
        Some(lines) => {
            fmt::layer().with_writer(lines.writer()).json().flatten_event(true).with_span_list(false).boxed()
        }
    };
    Ok(Log { traces: trace::start(registry().with(lines.with_filter(filter)), settings)?, _lines: waiting })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::{Level, enabled, subscriber::with_default};

    #[test]
    fn the_framework_is_heard_only_where_it_is_named() {
        for (text, hears_it) in [("info", false), ("trace", false), ("info,", false), ("info,actix_http=error", true)] {
            let heard = with_default(registry().with(filter(text).unwrap()), || {
                assert!(enabled!(target: "driftstack", Level::ERROR), "{text}");
                enabled!(target: "actix_http::h1::dispatcher", Level::ERROR)
            });
            assert_eq!(heard, hears_it, "{text}");
        }
    }
}
