//! Another e-mail address for the calling account.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    auth::{ChangeEmailError, ConfirmEmailError},
    policy::action::{ChangeEmail, ConfirmEmailChange},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{EmailBody, MailSentView, TokenBody, link_token};
use crate::{
    http::{Api, Body, Code, Gate, Ok200, Open, Problem, gate::retried, limits::Throttle},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/account/email-change", ask).route(
        Method::POST,
        "/v1/account/email-change/confirm",
        confirm,
    )
}

/// The same whatever the address: it is a worker that looks it up.
async fn ask(
    gate: Gate<ChangeEmail>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<EmailBody>,
) -> Result<Ok200<MailSentView>, Problem> {
    throttle.mail_sending().await?;
    let email = body.0.email;
    let expires_at = gate.change(async |by| services.email_changes.ask(by, email.clone()).await).await?;
    Ok(Ok200(MailSentView { sent: true, expires_at }))
}

impl From<ChangeEmailError> for Problem {
    fn from(error: ChangeEmailError) -> Self {
        match error {
            ChangeEmailError::SameAddress => Self::invalid("email", error),
            ChangeEmailError::Commit(error) => error.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct ConfirmedView {
    /// Always true.
    ok: bool,
}

/// Without a credential: the link may be opened in any browser.
async fn confirm(
    _: Open<ConfirmEmailChange>,
    services: Data<Services>,
    body: Body<TokenBody>,
) -> Result<Ok200<ConfirmedView>, Problem> {
    let token = link_token(&body.0.token)?;
    retried(async || services.email_changes.confirm(&token).await).await?;
    Ok(Ok200(ConfirmedView { ok: true }))
}

impl From<ConfirmEmailError> for Problem {
    fn from(error: ConfirmEmailError) -> Self {
        match error {
            ConfirmEmailError::InvalidToken => Self::new(Code::InvalidAuthToken, error),
            ConfirmEmailError::EmailTaken => Self::new(Code::Conflict, error),
            ConfirmEmailError::Commit(error) => error.into(),
        }
    }
}
