//! The sign-ins of the calling account.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    access::Credential,
    id::WebSessionId,
    policy::action::{ListSessions, RevokeOtherSessions, RevokeSession},
    time::Timestamp,
    web_session::{LiveSession, RevokeSessionError},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::{
        Api, Gate, Id, Listed, NoContent, Ok200, Paging, Problem, Query,
        query::{Pairs, Parameters},
    },
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/account/web-sessions", list)
        .route(Method::DELETE, "/v1/account/web-sessions", revoke_others)
        .route(Method::DELETE, "/v1/account/web-sessions/{id}", revoke)
}

/// A sign-in. Of the browser nothing is known but these two families, and of the address nothing.
#[derive(Serialize, ToSchema)]
struct WebSessionView {
    #[schema(value_type = String)]
    id: WebSessionId,
    /// Such as `macOS`; `Unknown` where none was recognised.
    os: String,
    /// Such as `Firefox`.
    browser: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// At most a minute old; null when it was not used yet.
    #[schema(value_type = Option<String>, format = "date-time")]
    last_used_at: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    /// Whether it is the one that asks.
    current: bool,
}

/// A sign-in, and who looks at it.
struct Shown {
    session: LiveSession,
    to: Credential,
}

impl From<Shown> for WebSessionView {
    fn from(Shown { session, to }: Shown) -> Self {
        Self {
            id: session.id,
            os: session.agent.os,
            browser: session.agent.browser,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            current: to == Credential::Session(session.id),
        }
    }
}

async fn list(
    gate: Gate<ListSessions>,
    services: Data<Services>,
    paging: Query<Paging>,
) -> Result<Ok200<Listed<WebSessionView>>, Problem> {
    let sessions = async |by: &_, page| {
        let to = gate.permit().access().credential;
        Ok(services.web_sessions.list(by, page).await?.map(|session| Shown { session, to }))
    };
    paging.0.answer(&gate, sessions).await
}

/// `keep=current`, said aloud: without it the call might be a mistyped revocation of one.
struct KeepCurrent;

impl Parameters for KeepCurrent {
    const KNOWN: &'static [(&'static str, &'static str)] = &[("keep", "Must be `current`.")];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        match query.text("keep") {
            Some("current") => Ok(Self),
            _ => Err(Problem::invalid("keep", "say `keep=current` to end every sign-in but this one")),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct RevokedView {
    /// How many were ended.
    revoked: u32,
}

async fn revoke_others(
    gate: Gate<RevokeOtherSessions>,
    services: Data<Services>,
    _: Query<KeepCurrent>,
) -> Result<Ok200<RevokedView>, Problem> {
    let revoked = gate.change(async |by| services.web_sessions.revoke_others(by).await).await?;
    Ok(Ok200(RevokedView { revoked }))
}

async fn revoke(
    gate: Gate<RevokeSession>,
    services: Data<Services>,
    id: Id<WebSessionId>,
) -> Result<NoContent, Problem> {
    gate.change(async |by| services.web_sessions.revoke(by, id.0).await).await?;
    Ok(NoContent)
}

impl From<RevokeSessionError> for Problem {
    fn from(error: RevokeSessionError) -> Self {
        match error {
            RevokeSessionError::NotFound => Self::not_found(error),
            RevokeSessionError::Commit(error) => error.into(),
        }
    }
}
