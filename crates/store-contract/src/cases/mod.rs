//! The cases, by concept.

pub mod accounts;
pub mod activations;
pub mod api_keys;
pub mod audit;
pub mod avatars;
pub mod callers;
pub mod email_changes;
pub mod endings;
pub mod idempotency;
pub mod invites;
pub mod links;
pub mod mails;
pub mod memberships;
pub mod mfa;
pub mod minters;
pub mod notifications;
pub mod operator;
pub mod organisations;
pub mod profiles;
pub mod races;
pub mod sessions;
pub mod sign_in;
pub mod staff;
pub mod usage;
pub mod web_sessions;
pub mod webhooks;
