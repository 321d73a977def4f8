//! Logs: text on a terminal, JSON otherwise.

mod lines;

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::wire::StartError;
pub(crate) use lines::Lines;

/// Starts logging to standard error with a tracing filter such as `info` or `driftstack=debug`. What is answered writes the
/// last lines when it is dropped.
pub(crate) fn init(filter: &str) -> Result<Option<Lines>, StartError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| StartError::new("DRIFTSTACK_LOG", error))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    if stderr().is_terminal() {
        builder.with_writer(stderr).try_init().map_err(|error| StartError::new("the log", error))?;
        return Ok(None);
    }
    let lines = Lines::to(stderr());
    let json = builder.json().flatten_event(true).with_span_list(false).with_writer(lines.writer());
    json.try_init().map_err(|error| StartError::new("the log", error))?;
    Ok(Some(lines))
}
