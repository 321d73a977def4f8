//! Signing in, by a password or a link.

use actix_web::web::Data;
use driftstack_domain::{
    auth::{LogInError, Password},
    email::Email,
    policy::action::{FollowMagicLink, LogIn},
};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{TokenBody, link_token, view::EntranceView};
use crate::{
    http::{Body, Calling, Code, Ok200, Open, Problem, gate::retried, limits::Throttle},
    wire::Services,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogInBody {
    #[schema(value_type = String, format = "email")]
    email: Email,
    #[schema(value_type = String)]
    password: SecretString,
}

pub(super) async fn log_in(
    _: Open<LogIn>,
    throttle: Throttle,
    client: Calling,
    services: Data<Services>,
    body: Body<LogInBody>,
) -> Result<Ok200<EntranceView>, Problem> {
    let Body(LogInBody { email, password }) = body;
    throttle.signing_in(&email).await?;
    let password = Password::shown(password);
    let entered = retried(async || services.sign_ins.log_in(&email, &password, &client.0).await).await?;
    Ok(Ok200(entered.into()))
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::InvalidCredentials => Self::new(Code::InvalidCredentials, error),
            LogInError::EmailNotVerified => Self::new(Code::EmailNotVerified, error),
            LogInError::AccountSuspended => Self::new(Code::Forbidden, error),
            LogInError::Busy(busy) => busy.into(),
            LogInError::Commit(error) => error.into(),
        }
    }
}

pub(super) async fn follow_magic_link(
    _: Open<FollowMagicLink>,
    client: Calling,
    services: Data<Services>,
    body: Body<TokenBody>,
) -> Result<Ok200<EntranceView>, Problem> {
    let token = link_token(&body.0.token)?;
    let entered = retried(async || services.sign_ins.follow(&token, &client.0).await).await?;
    Ok(Ok200(entered.into()))
}
