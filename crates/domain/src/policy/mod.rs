//! Who may do what: one table, one question.
//!
//! [`action`] lists every operation with its gates; [`decide`](decide()) is the only place that compares a caller with them.
//! Changing a rule is changing a row there; the golden file beside the tests then shows a reviewer what has moved.

pub mod action;
mod decide;
mod proof;
pub mod reference;
mod scope;
mod standing;

pub use action::{Action, Callers, Charge, Gates, Operation, Workspace};
pub use decide::{Denied, decide};
pub use proof::{PROOF_LIFE, Proof};
pub use scope::{Scope, ScopeError, ScopeSet};
pub use standing::{Role, RoleError, Standing};
