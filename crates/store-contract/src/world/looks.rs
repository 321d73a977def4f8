//! What is there afterwards.

use std::collections::BTreeMap;

use driftstack_domain::{
    audit::{AuditEntry, AuditStore as _, Opener, chain, export::EntryView},
    id::AccountId,
};

use super::World;
use crate::backend::Backend;

impl<B: Backend> World<B> {
    /// The whole log of an account, oldest first, after a look at every link of its chain.
    pub async fn log(&self, account: AccountId) -> Vec<AuditEntry> {
        let head = self.store.head(account).await.unwrap();
        let mut entries = self.store.entries_down_from(account, head.seq, u16::MAX).await.unwrap();
        entries.reverse();
        assert_eq!(chain::verify(&entries), Ok((head.seq > 0).then_some(head)), "the head is the last entry");
        assert_eq!(i64::try_from(entries.len()), Ok(head.seq), "no entry is missing");
        entries
    }

    /// The same as the wire shows it: with what it says of people.
    pub async fn told(&self, account: AccountId) -> Vec<EntryView> {
        let opener = Opener::new(self.store.clone(), self.desk.vault.clone());
        opener.open(account, self.log(account).await).await.unwrap()
    }

    /// The actions on the log of an account, oldest first.
    pub async fn actions(&self, account: AccountId) -> Vec<String> {
        self.log(account).await.into_iter().map(|entry| entry.action).collect()
    }

    /// How the number of rows has changed since `before`.
    pub async fn grown_since(&self, before: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
        let now = self.backend.rows().await;
        let grown = now.into_iter().map(|(table, rows)| (table.clone(), rows - before.get(&table).unwrap_or(&0)));
        grown.filter(|(_, rows)| *rows != 0).collect()
    }
}

/// Rows by table, for comparing.
pub fn rows<const N: usize>(tables: [(&str, i64); N]) -> BTreeMap<String, i64> {
    tables.into_iter().map(|(table, rows)| (table.to_owned(), rows)).collect()
}
