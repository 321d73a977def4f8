//! Links that are asked for by mail.

use actix_web::web::Data;
use driftstack_domain::{
    auth::LinkKind,
    email::Email,
    policy::action::{RequestMagicLink, RequestReset, ResendVerification},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{Body, Ok200, Open, Problem, limits::Throttle},
    wire::Services,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailBody {
    #[schema(value_type = String, format = "email")]
    pub email: Email,
}

#[derive(Serialize, ToSchema)]
pub struct MailSentView {
    /// Always true, whatever the address.
    pub sent: bool,
    #[schema(value_type = String, format = "date-time")]
    pub expires_at: Timestamp,
}

pub(super) async fn resend_verification(
    _: Open<ResendVerification>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<EmailBody>,
) -> Result<Ok200<MailSentView>, Problem> {
    mail_link(LinkKind::Verification, &throttle, &services, body.0).await
}

/// The same whatever the address: it is a worker that looks it up.
async fn mail_link(
    kind: LinkKind,
    throttle: &Throttle,
    services: &Services,
    body: EmailBody,
) -> Result<Ok200<MailSentView>, Problem> {
    throttle.mail_sending().await?;
    let expires_at = services.links.ask(kind, body.email).await?;
    Ok(Ok200(MailSentView { sent: true, expires_at }))
}

pub(super) async fn request_magic_link(
    _: Open<RequestMagicLink>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<EmailBody>,
) -> Result<Ok200<MailSentView>, Problem> {
    mail_link(LinkKind::MagicLink, &throttle, &services, body.0).await
}

pub(super) async fn request_reset(
    _: Open<RequestReset>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<EmailBody>,
) -> Result<Ok200<MailSentView>, Problem> {
    mail_link(LinkKind::PasswordReset, &throttle, &services, body.0).await
}
