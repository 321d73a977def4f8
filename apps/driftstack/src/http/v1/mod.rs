//! The Driftstack dialect.

mod account;
mod activations;
mod admin;
mod api_keys;
mod audit_log;
mod auth;
mod avatar;
mod email_change;
mod email_preferences;
mod export;
mod invites;
mod members;
mod mfa;
mod notifications;
mod team;
mod web_sessions;
mod webhooks;

use super::route::Api;

/// Every route of the dialect.
pub fn api() -> Api {
    let parts = [
        auth::routes,
        mfa::routes,
        activations::routes,
        account::routes,
        notifications::routes,
        email_change::routes,
        web_sessions::routes,
        avatar::routes,
        invites::routes,
        members::routes,
        team::routes,
        api_keys::routes,
        audit_log::routes,
        email_preferences::routes,
        webhooks::routes,
        admin::routes,
    ];
    parts.into_iter().fold(Api::default(), |api, routes| routes(api))
}
