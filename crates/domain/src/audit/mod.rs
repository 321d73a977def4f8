//! The audit log: what happened on an account, who did it, and proof that nobody has edited it since.

mod action;
pub mod chain;
mod entry;
pub mod export;
mod filter;
mod personal;
mod port;
mod read;
mod revision;
mod severity;

pub use action::AuditAction;
pub use entry::{Actor, AuditDraft, AuditEntry, Payload};
pub use filter::{ActionFilter, ActionFilterError, AuditFilter, TargetFilter, TargetFilterError};
pub use personal::{Commitments, Disclosed, Disclosure, Opener, Personal, Salt};
pub use port::AuditStore;
#[cfg(feature = "testing")]
pub use port::MockAuditStore;
pub use read::{AuditLog, ExportPlan};
pub use severity::Severity;
