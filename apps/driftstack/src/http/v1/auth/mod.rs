//! Signing up and signing in.

mod mailed;
mod reset;
mod session;
mod sign_in;
mod sign_up;
mod view;

pub(super) use self::{
    mailed::{EmailBody, MailSentView},
    view::SessionView,
};

use actix_web::http::Method;
use driftstack_domain::secret::LinkToken;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{Api, Code, Problem};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/auth/signup", sign_up::sign_up)
        .route(Method::POST, "/v1/auth/verify-email", sign_up::verify_email)
        .route(Method::POST, "/v1/auth/resend-verification", mailed::resend_verification)
        .route(Method::POST, "/v1/auth/login", sign_in::log_in)
        .route(Method::POST, "/v1/auth/magic-link/request", mailed::request_magic_link)
        .route(Method::POST, "/v1/auth/magic-link/consume", sign_in::follow_magic_link)
        .route(Method::POST, "/v1/auth/password-reset/request", mailed::request_reset)
        .route(Method::POST, "/v1/auth/password-reset/confirm", reset::reset_password)
        .route(Method::POST, "/v1/auth/refresh", session::refresh)
        .route(Method::POST, "/v1/auth/logout", session::log_out)
}

/// A token that somebody shows. It is never printed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    #[schema(value_type = String)]
    pub(super) token: SecretString,
}

/// What a text that cannot be a link's token gets: the same as one that is not.
pub(super) fn link_token(text: &SecretString) -> Result<LinkToken, Problem> {
    let token = LinkToken::parse(text.expose_secret());
    token.ok_or_else(|| {
        Problem::new(Code::InvalidAuthToken, "this token is unknown, used or too old; ask for a new one")
    })
}
