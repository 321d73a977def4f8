//! A session that goes on, or ends.

use actix_web::web::Data;
use driftstack_domain::{
    policy::action::{LogOut, RefreshSession},
    web_session::RefreshError,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{TokenBody, view::SessionView};
use crate::{
    http::{Body, Code, Ok200, Open, Problem, gate::retried},
    wire::Services,
};

pub(super) async fn refresh(
    _: Open<RefreshSession>,
    services: Data<Services>,
    body: Body<TokenBody>,
) -> Result<Ok200<SessionView>, Problem> {
    let signed_in = retried(async || services.web_sessions.refresh(&body.0.token).await).await?;
    Ok(Ok200(signed_in.into()))
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::SessionOver => Self::new(Code::Unauthorized, error),
            RefreshError::AccountSuspended => Self::new(Code::Forbidden, error),
            RefreshError::Commit(error) => error.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct LoggedOutView {
    /// Always true: a session that was over already needs no ending.
    ok: bool,
}

pub(super) async fn log_out(
    _: Open<LogOut>,
    services: Data<Services>,
    body: Body<TokenBody>,
) -> Result<Ok200<LoggedOutView>, Problem> {
    retried(async || services.web_sessions.log_out(&body.0.token).await).await?;
    Ok(Ok200(LoggedOutView { ok: true }))
}
