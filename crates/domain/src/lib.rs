//! Accounts, teams, roles, keys and an audit log that proves itself, as plain Rust.
//!
//! This crate knows no runtime, no HTTP, no SQL, no file and no clock of its own. Every rule of the service is here, once.
//!
//! * [`policy`] says who may do what: one table, one question. [`access`] turns a credential into a permit.
//! * [`account`], [`avatar`], [`team`], [`membership`], [`api_key`], [`activation`], [`web_session`], [`auth`], [`mfa`],
//!   [`mail`], [`audit`], [`notify`], [`organisation`], [`limit`], [`idempotency`], [`session`], [`profile`], [`usage`],
//!   [`webhook`], [`ending`] and [`tier`] are the concepts. In each, a noun file holds data and rules, a verb file one use
//!   case, and `port.rs` what the
//!   concept needs from outside.
//! * [`change`] is how a decision reaches a store: whole, or not at all. [`store`] sums up what a store has to be.
//! * [`desk`] is where use cases take the time, ids and secrets from; [`secret`] holds what is handed out once.
//!
//! To embed it, implement the ports (or take the adapter crates) and call the use cases. To ask a rule, no port is needed:
//!
//! ```
//! use driftstack_domain::{access::{Access, Credential}, policy::{Action, Role, Scope, ScopeSet, decide}};
//!
//! let ada = "acc_0192f0c1-2345-7000-8000-00000000000b".parse()?;
//! let olive = "acc_0192f0c1-2345-7000-8000-00000000000a".parse()?;
//! let key = Credential::Key("key_0192f0c1-2345-7000-8000-00000000000c".parse()?);
//!
//! // Ada is an admin of Olive's team, and her key may only read.
//! let access = Access::at_home(ada, key, ScopeSet::of(&[Scope::Read])).acting_on(olive, Role::Admin);
//! assert!(decide(&access, Action::ListKeys).is_ok());
//! let denied = decide(&access, Action::MintKey).unwrap_err();
//! assert_eq!(denied.to_string(), "this credential lacks the scope for it; one of these is needed: `account_owner`, `admin`");
//! # Ok::<(), driftstack_domain::id::IdError>(())
//! ```

pub mod access;
pub mod account;
pub mod activation;
pub mod api_key;
pub mod audit;
pub mod auth;
pub mod avatar;
pub mod change;
pub mod desk;
pub mod email;
pub mod ending;
pub mod id;
pub mod idempotency;
pub mod limit;
pub mod mail;
pub mod membership;
pub mod mfa;
pub mod name;
pub mod notify;
pub mod organisation;
pub mod page;
pub mod policy;
pub mod profile;
pub mod secret;
pub mod session;
pub mod staff;
pub mod store;
pub mod team;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod text;
pub mod tier;
pub mod time;
pub mod usage;
pub mod web_session;
pub mod webhook;
mod word;
