//! Logs: text on a terminal, JSON otherwise.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::wire::StartError;

/// Starts logging to standard error with a tracing filter such as `info` or `driftstack=debug`.
pub(crate) fn init(filter: &str) -> Result<(), StartError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| StartError::new("DRIFTSTACK_LOG", error))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let started = if stderr().is_terminal() {
        builder.try_init()
    } else {
        builder.json().flatten_event(true).with_span_list(false).try_init()
    };
    started.map_err(|error| StartError::new("the log", error))
}
