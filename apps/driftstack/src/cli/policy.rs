//! `driftstack policy`

use clap::ValueEnum;
use driftstack_domain::policy::reference;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Markdown,
}

pub(super) fn text(format: Format) -> String {
    match format {
        Format::Table => reference::table(),
        Format::Json => format!("{:#}", reference::json()),
        Format::Markdown => reference::markdown(),
    }
}
