//! The sessions of a workspace.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    access::Credential,
    id::{AccountId, ApiKeyId, ProfileId, SessionId},
    idempotency::Creation,
    name::Name,
    policy::action::{BrowseSessions, CreateSession, DestroySession, ReadSession},
    session::{
        Archetype, Behavior, CreateSessionError, DestroySessionError, Metadata, Purpose, Session, SessionOrder,
        SessionState,
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    http::{Api, Code, Created, Gate, Id, Listed, NewBody, NoContent, Ok200, Once, Paging, Problem, Query},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/sessions", create)
        .route(Method::GET, "/v1/sessions", list)
        .route(Method::GET, "/v1/sessions/{id}", read)
        .route(Method::DELETE, "/v1/sessions/{id}", destroy)
}

/// All of it may be left out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateSessionBody {
    /// 3 to 60 characters of a-z, 0-9 and underscore. Unless told that of the profile, or `default`.
    #[schema(value_type = Option<String>)]
    archetype: Option<Archetype>,
    /// `production_customer` (unless told), `cumulative_rig_validation` or `test_domain_probe`.
    #[schema(value_type = Option<String>)]
    purpose: Option<Purpose>,
    /// 1 to 120 characters.
    #[schema(value_type = Option<String>)]
    label: Option<Name>,
    /// A JSON object of at most 8 KiB. Unless told that of the profile.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Metadata>,
    /// For the owner of the workspace alone.
    #[schema(value_type = Option<String>)]
    profile_id: Option<ProfileId>,
    /// `casual`, `regular` or `power_user`.
    #[schema(value_type = Option<String>)]
    behavioral_profile: Option<Behavior>,
}

impl From<CreateSessionBody> for SessionOrder {
    fn from(body: CreateSessionBody) -> Self {
        Self {
            archetype: body.archetype,
            purpose: body.purpose,
            label: body.label,
            metadata: body.metadata,
            behavior: body.behavioral_profile,
            profile: body.profile_id,
        }
    }
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionRecordView {
    #[schema(value_type = String)]
    id: SessionId,
    /// Whose workspace it is on.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// `key_…` also where a web session created it, as published clients read nothing else: then `created_with` has the same
    /// UUID behind `wsk_`, and there is no such key.
    #[schema(value_type = String)]
    api_key_id: ApiKeyId,
    /// `ready` or `destroyed`.
    #[schema(value_type = String)]
    status: SessionState,
    archetype: String,
    #[schema(value_type = String)]
    purpose: Purpose,
    label: Option<String>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Metadata>,
    /// Always null: nothing runs behind the record.
    #[schema(value_type = Option<Object>)]
    egress_capabilities: Option<Value>,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    egress_capability_report: Option<Value>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
    /// Always null.
    #[schema(value_type = Option<String>, format = "date-time")]
    last_state_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    destroyed_at: Option<Timestamp>,
    /// Also one that was deleted since.
    #[schema(value_type = Option<String>)]
    profile_id: Option<ProfileId>,
    #[schema(value_type = Option<String>)]
    behavioral_profile: Option<Behavior>,
    /// In whose hands the credential was.
    #[schema(value_type = String)]
    created_by_account_id: AccountId,
    /// `key_…` or `wsk_…`.
    created_with: String,
}

impl From<Session> for SessionRecordView {
    fn from(session: Session) -> Self {
        Self {
            id: session.id,
            account_id: session.account,
            api_key_id: match session.created_with {
                Credential::Key(id) => id,
                Credential::Session(id) => ApiKeyId::new(id.uuid()),
            },
            status: session.state(),
            purpose: session.purpose,
            egress_capabilities: None,
            egress_capability_report: None,
            created_at: session.created_at,
            updated_at: session.updated_at(),
            last_state_at: None,
            destroyed_at: session.destroyed_at,
            profile_id: session.profile,
            behavioral_profile: session.behavior,
            created_by_account_id: session.created_by,
            created_with: session.created_with.to_string(),
            archetype: session.archetype.into(),
            label: session.label.map(Into::into),
            metadata: session.metadata,
        }
    }
}

async fn create(
    gate: Gate<CreateSession>,
    services: Data<Services>,
    new: NewBody<CreateSessionBody>,
) -> Result<Once<Created<SessionRecordView>>, Problem> {
    let order = SessionOrder::from(new.body);
    let create = async |by: Creation<'_, _, _>| services.sessions.create(by, order.clone()).await;
    gate.create(&new.repeatable, create, |session| Created(session.clone().into())).await
}

impl From<CreateSessionError> for Problem {
    fn from(error: CreateSessionError) -> Self {
        match error {
            CreateSessionError::OwnersProfile => Self::new(Code::Forbidden, error),
            CreateSessionError::NoProfile => Self::not_found(error),
            CreateSessionError::Full { running, limit } => {
                Self::new(Code::ConcurrencyLimit, error).with("current_sessions", running).with("limit", limit)
            }
            CreateSessionError::Commit(error) => error.into(),
        }
    }
}

async fn list(
    gate: Gate<BrowseSessions>,
    services: Data<Services>,
    paging: Query<Paging>,
) -> Result<Ok200<Listed<SessionRecordView>>, Problem> {
    paging.0.answer(&gate, async |by, page| services.sessions.list(by, page).await).await
}

async fn read(
    gate: Gate<ReadSession>,
    services: Data<Services>,
    id: Id<SessionId>,
) -> Result<Ok200<SessionRecordView>, Problem> {
    let found = services.sessions.read(gate.permit(), id.0).await?;
    found.map(|session| Ok200(session.into())).ok_or_else(|| DestroySessionError::NotFound.into())
}

async fn destroy(
    gate: Gate<DestroySession>,
    services: Data<Services>,
    id: Id<SessionId>,
) -> Result<NoContent, Problem> {
    gate.change(async |by| services.sessions.destroy(by, id.0).await).await?;
    Ok(NoContent)
}

impl From<DestroySessionError> for Problem {
    fn from(error: DestroySessionError) -> Self {
        match error {
            DestroySessionError::NotFound => Self::not_found(error),
            DestroySessionError::Commit(error) => error.into(),
        }
    }
}
