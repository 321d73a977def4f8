//! Another password by a link.

use actix_web::web::Data;
use driftstack_domain::{
    auth::{Password, ResetError},
    policy::action::ResetPassword,
};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{link_token, view::EntranceView};
use crate::{
    http::{Body, Calling, Code, Ok200, Open, Problem, gate::retried},
    wire::Services,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetBody {
    #[schema(value_type = String)]
    token: SecretString,
    /// 12 to 128 characters. `password` is another name for it.
    #[serde(alias = "password")]
    #[schema(value_type = String)]
    new_password: Password,
}

pub(super) async fn reset_password(
    _: Open<ResetPassword>,
    client: Calling,
    services: Data<Services>,
    body: Body<ResetBody>,
) -> Result<Ok200<EntranceView>, Problem> {
    let token = link_token(&body.0.token)?;
    let reset = async || services.sign_ins.reset(&token, &body.0.new_password, &client.0).await;
    Ok(Ok200(retried(reset).await?.into()))
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::InvalidToken => Self::new(Code::InvalidAuthToken, error),
            ResetError::Busy(busy) => busy.into(),
            ResetError::Commit(error) => error.into(),
        }
    }
}
