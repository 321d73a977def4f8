//! Reading a log, page by page or whole.

use std::sync::Arc;

use super::{
    chain::Head,
    export::{EntryView, MAX_BYTES, MAX_ROWS, Seal},
    filter::AuditFilter,
    personal::Opener,
    port::AuditStore,
};
use crate::{
    access::Permit,
    change::StoreError,
    id::AccountId,
    page::{Page, PageRequest},
    policy::action::{ExportAudit, ReadAudit},
    secret::Vault,
    time::{Clock, Timestamp},
};

/// The audit log of a workspace.
pub struct AuditLog {
    store: Arc<dyn AuditStore>,
    opener: Opener,
    clock: Arc<dyn Clock>,
}

/// Which entries an export holds: `rows` of them from `head` down. As no entry ever changes, what was planned is what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportPlan {
    pub account: AccountId,
    pub head: Head,
    pub rows: i64,
    pub truncated: bool,
    pub at: Timestamp,
}

impl ExportPlan {
    pub fn seal(&self) -> Seal {
        Seal::new(self.at, self.account, self.rows, self.truncated, self.head)
    }

    /// The number of the oldest entry in it.
    fn oldest(&self) -> i64 {
        self.head.seq - self.rows + 1
    }
}

/// Entries that are read at a time.
const CHUNK: u16 = 500;

impl AuditLog {
    pub fn new(store: Arc<dyn AuditStore>, vault: Arc<dyn Vault>, clock: Arc<dyn Clock>) -> Self {
        Self { opener: Opener::new(store.clone(), vault), store, clock }
    }

    pub async fn list(
        &self,
        by: &Permit<ReadAudit>,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<EntryView>, StoreError> {
        let Page { rows, next } = self.store.entries(by.workspace(), filter, page).await?;
        Ok(Page { rows: self.opener.open(by.workspace(), rows).await?, next })
    }

    /// Measures how much of the log fits into an export.
    pub async fn plan_export(&self, by: &Permit<ExportAudit>) -> Result<ExportPlan, StoreError> {
        self.plan(by.workspace(), MAX_BYTES).await
    }

    /// The newest entries of a log: at most [`MAX_ROWS`], and as many as fit into `max_bytes`.
    pub(crate) async fn plan(&self, account: AccountId, max_bytes: usize) -> Result<ExportPlan, StoreError> {
        let head = self.store.head(account).await?;
        let mut plan = ExportPlan { account, head, rows: 0, truncated: false, at: self.clock.now() };
        let mut bytes = 0;
        while plan.rows < head.seq && !plan.truncated {
            let chunk = self.store.entries_down_from(account, head.seq - plan.rows, CHUNK).await?;
            if chunk.is_empty() {
                return Err(StoreError::Failed(format!("the log ends before entry {}", head.seq - plan.rows)));
            }
            for entry in self.opener.open(account, chunk).await? {
                bytes += serde_json::to_vec(&entry).map_or(MAX_BYTES, |json| json.len() + 1);
                let full = bytes > max_bytes || usize::try_from(plan.rows).is_ok_and(|rows| rows >= MAX_ROWS);
                if full {
                    plan.truncated = true;
                    break;
                }
                plan.rows += 1;
            }
        }
        Ok(plan)
    }

    /// The entries of a plan behind the first `done` ones, newest first; empty at the end.
    pub async fn export_chunk(&self, plan: &ExportPlan, done: i64) -> Result<Vec<EntryView>, StoreError> {
        let left = plan.rows - done;
        if left <= 0 {
            return Ok(Vec::new());
        }
        let limit = u16::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let entries = self.store.entries_down_from(plan.account, plan.head.seq - done, limit).await?;
        let planned = entries.into_iter().filter(|entry| entry.seq >= plan.oldest()).collect();
        self.opener.open(plan.account, planned).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{Actor, AuditAction, AuditDraft, chain, export, port::MockAuditStore},
        id::AuditId,
        testing::{FixedClock, GlassVault, people},
    };

    /// A log of `length` entries, each with a payload of about `size` bytes.
    fn log(length: i64, size: usize) -> AuditLog {
        let mut head = Head::EMPTY;
        let mut entries = Vec::new();
        for n in 0..length {
            let id = AuditId::new(people::uuid(u128::try_from(n).unwrap()));
            let draft = AuditDraft::new(id, people::OLIVE, people::NOW, Actor::System, AuditAction::TeamUpdated)
                .with("to", "x".repeat(size));
            let entry = chain::link(head, &draft);
            head = Head { seq: entry.seq, hash: entry.hash };
            entries.push(entry);
        }
        let mut store = MockAuditStore::new();
        store.expect_head().returning(move |_| Ok(head));
        store.expect_entries_down_from().returning(move |_, newest, limit| {
            let wanted = entries.iter().rev().filter(|entry| entry.seq <= newest);
            Ok(wanted.take(usize::from(limit)).cloned().collect())
        });
        AuditLog::new(Arc::new(store), Arc::new(GlassVault), Arc::new(FixedClock(people::NOW)))
    }

    async fn whole(log: &AuditLog) -> (ExportPlan, export::Export) {
        let plan = log.plan_export(&people::permit()).await.unwrap();
        let mut data = Vec::new();
        loop {
            let chunk = log.export_chunk(&plan, i64::try_from(data.len()).unwrap()).await.unwrap();
            if chunk.is_empty() {
                return (plan, export::Export { data, seal: plan.seal() });
            }
            data.extend(chunk);
        }
    }

    #[tokio::test]
    async fn a_log_is_exported_whole_and_proves_itself() {
        let (plan, export) = whole(&log(1203, 5)).await;
        assert_eq!((plan.rows, plan.truncated), (1203, false));
        assert_eq!(export::verify(export).unwrap(), plan.head);
    }

    #[tokio::test]
    async fn an_empty_log_is_an_export_too() {
        let (plan, export) = whole(&log(0, 5)).await;
        assert_eq!((plan.rows, plan.truncated), (0, false));
        assert!(export::verify(export).is_ok());
    }

    #[tokio::test]
    async fn an_export_stops_at_its_rows() {
        let (plan, export) = whole(&log(10_001, 5)).await;
        assert_eq!((plan.rows, plan.truncated), (10_000, true));
        assert!(export::verify(export).is_ok());
    }

    #[tokio::test]
    async fn an_export_stops_at_its_bytes() {
        let (plan, export) = whole(&log(100, 200_000)).await;
        assert!(plan.truncated && plan.rows < 40, "{} rows", plan.rows);
        assert!(serde_json::to_vec(&export).unwrap().len() < 8 * 1024 * 1024);
        assert!(export::verify(export).is_ok());
    }
}
