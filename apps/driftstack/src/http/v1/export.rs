//! An audit export as a stream: however long the log, only a chunk of it is in memory.

use actix_web::{
    HttpResponse,
    http::header,
    web::{Bytes, Data},
};
use driftstack_domain::{
    audit::{ExportPlan, export::EntryView},
    change::StoreError,
};
use futures_util::stream;

use crate::wire::Services;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
}

pub(super) fn respond(services: Data<Services>, plan: ExportPlan, format: Format) -> HttpResponse {
    let (content_type, name) = match format {
        Format::Json => ("application/json", "audit-log.json"),
        Format::Csv => ("text/csv; charset=utf-8", "audit-log.csv"),
    };
    let reader = Reader { services, plan, format, done: 0, stage: Stage::Head };
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header(("x-driftstack-export-truncated", plan.truncated.to_string()))
        .streaming(stream::try_unfold(reader, Reader::step))
}

struct Reader {
    services: Data<Services>,
    plan: ExportPlan,
    format: Format,
    done: i64,
    stage: Stage,
}

enum Stage {
    Head,
    Entries,
    End,
}

/// The connection is cut: a document that ends early parses as nothing, while half a document might.
#[derive(Debug, thiserror::Error)]
#[error("the export was cut short")]
pub(super) struct Cut;

impl From<StoreError> for Cut {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "an export was cut short");
        Self
    }
}

impl actix_web::ResponseError for Cut {}

impl Reader {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, Cut> {
        match self.stage {
            Stage::Head => {
                self.stage = Stage::Entries;
                let head = match self.format {
                    Format::Json => b"{\"data\":[".to_vec(),
                    Format::Csv => csv_rows([COLUMNS.map(str::to_owned)])?,
                };
                Ok(Some((head.into(), self)))
            }
            Stage::Entries => {
                let chunk = self.services.audit_log.export_chunk(&self.plan, self.done).await?;
                if chunk.is_empty() {
                    self.stage = Stage::End;
                    return Ok(Some((self.tail()?.into(), self)));
                }
                let text = match self.format {
                    Format::Json => json_rows(&chunk, self.done == 0)?,
                    Format::Csv => csv_rows(chunk.iter().map(cells))?,
                };
                self.done += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
                Ok(Some((text.into(), self)))
            }
            Stage::End => Ok(None),
        }
    }

    /// The seal, which closes the document that the head has opened.
    fn tail(&self) -> Result<Vec<u8>, Cut> {
        match self.format {
            Format::Csv => Ok(Vec::new()),
            Format::Json => {
                let seal = serde_json::to_string(&self.plan.seal()).map_err(|_| Cut)?;
                Ok(format!("],{}", seal.trim_start_matches('{')).into_bytes())
            }
        }
    }
}

fn json_rows(chunk: &[EntryView], first: bool) -> Result<Vec<u8>, Cut> {
    let mut text = Vec::new();
    for (at, entry) in chunk.iter().enumerate() {
        if at > 0 || !first {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, entry).map_err(|_| Cut)?;
    }
    Ok(text)
}

const COLUMNS: [&str; 12] = [
    "id",
    "account_id",
    "timestamp",
    "actor_type",
    "actor_account_id",
    "actor_key_id",
    "action",
    "target_resource_id",
    "payload",
    "seq",
    "prev_hash",
    "hash",
];

fn cells(entry: &EntryView) -> [String; 12] {
    let optional = |text: Option<String>| text.unwrap_or_default();
    let payload = entry.payload.as_ref().map(|payload| serde_json::Value::Object(payload.clone()).to_string());
    [
        entry.id.to_string(),
        entry.account_id.to_string(),
        entry.timestamp.to_string(),
        entry.actor_type.clone(),
        optional(entry.actor_account_id.map(|id| id.to_string())),
        optional(entry.actor_key_id.clone()),
        entry.action.clone(),
        optional(entry.target_resource_id.clone()),
        optional(payload),
        entry.seq.to_string(),
        entry.prev_hash.to_string(),
        entry.hash.to_string(),
    ]
    .map(defuse)
}

/// A spreadsheet runs a cell that begins like this; a quote before it makes it text.
fn defuse(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

fn csv_rows(rows: impl IntoIterator<Item = [String; 12]>) -> Result<Vec<u8>, Cut> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|_| Cut)?;
    }
    writer.into_inner().map_err(|_| Cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_text() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert!(defuse(cell.to_owned()).starts_with('\''), "{cell}");
        }
        assert_eq!(defuse("plain".to_owned()), "plain");
    }
}
