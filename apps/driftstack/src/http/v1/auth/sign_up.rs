//! A new account, and the proof that its address is somebody's.

use actix_web::web::Data;
use driftstack_domain::{
    auth::{Password, SignUpError, VerifyError},
    email::Email,
    name::Name,
    policy::action::{SignUp, VerifyEmail},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{TokenBody, link_token, view::SessionView};
use crate::{
    http::{Body, Calling, Code, Ok200, Open, Problem, gate::retried, limits::Throttle},
    wire::Services,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignUpBody {
    #[schema(value_type = String, format = "email")]
    email: Email,
    /// 12 to 128 characters.
    #[schema(value_type = String)]
    password: Password,
    /// 1 to 120 characters.
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct SignUpView {
    #[schema(value_type = String, format = "date-time")]
    verification_email_expires_at: Timestamp,
}

pub(super) async fn sign_up(
    _: Open<SignUp>,
    throttle: Throttle,
    services: Data<Services>,
    body: Body<SignUpBody>,
) -> Result<Ok200<SignUpView>, Problem> {
    throttle.mail_sending().await?;
    let Body(SignUpBody { email, password, name }) = body;
    let verification_email_expires_at = services.sign_ups.sign_up(email, &password, name).await?;
    Ok(Ok200(SignUpView { verification_email_expires_at }))
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::EmailTaken => Self::new(Code::EmailAlreadyRegistered, error),
            SignUpError::Busy(busy) => busy.into(),
            SignUpError::Commit(error) => error.into(),
        }
    }
}

pub(super) async fn verify_email(
    _: Open<VerifyEmail>,
    client: Calling,
    services: Data<Services>,
    body: Body<TokenBody>,
) -> Result<Ok200<SessionView>, Problem> {
    let token = link_token(&body.0.token)?;
    let signed_in = retried(async || services.sign_ins.verify(&token, client.0.agent.clone()).await).await?;
    Ok(Ok200(signed_in.into()))
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::InvalidToken => Self::new(Code::InvalidAuthToken, error),
            VerifyError::Commit(error) => error.into(),
        }
    }
}
