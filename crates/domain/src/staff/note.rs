//! A note of staff on the log of an account.

use super::{Staff, StaffError, hand::Hand, remark::Remark};
use crate::{
    audit::AuditAction,
    change::Change,
    id::{AccountId, AuditId},
    idempotency::Creation,
    policy::action::WriteSupportNote,
    time::Timestamp,
};

/// A note. It is an entry of the log and nothing else; whoever reads the log reads it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SupportNote {
    pub change: Change,
}

/// A note that stands on the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Of the entry.
    pub id: AuditId,
    pub at: Timestamp,
}

impl Staff {
    pub async fn write_note<'a>(
        &self,
        by: impl Into<Creation<'a, WriteSupportNote, Written>>,
        id: AccountId,
        note: &Remark,
    ) -> Result<Written, StaffError> {
        let by = by.into();
        let seen = self.seen(id).await?;
        let hand = Hand::of(&by);
        let entry =
            hand.entry(&self.desk, id, AuditAction::SupportNote).with_personal(&self.desk, "note", note.as_str());
        let written = Written { id: entry.id, at: entry.at };
        let change = hand.change(&self.desk, &seen, entry).keeping(by.answer(&self.desk, &written));
        self.store.commit_note(&SupportNote { change }).await?;
        Ok(written)
    }
}
