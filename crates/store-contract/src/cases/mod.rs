//! The cases, by concept.

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod callers;
pub mod email_changes;
pub mod invites;
pub mod links;
pub mod mails;
pub mod memberships;
pub mod mfa;
pub mod operator;
pub mod races;
pub mod sign_in;
pub mod web_sessions;
