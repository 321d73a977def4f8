//! The profiles of a workspace.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    account::Edit,
    id::{AccountId, ProfileId},
    idempotency::Creation,
    name::Name,
    policy::action::{CreateProfile, DeleteProfile, ListProfiles, ReadProfile, UpdateProfile},
    profile::{
        CreateProfileError, DeleteProfileError, Description, Profile, ProfileOrder, ProfilePatch, UpdateProfileError,
    },
    session::{Archetype, Metadata},
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{Api, Body, Code, Created, Gate, Id, Listed, NewBody, NoContent, Ok200, Once, Paging, Problem, Query},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/profiles", create)
        .route(Method::GET, "/v1/profiles", list)
        .route(Method::GET, "/v1/profiles/{id}", read)
        .route(Method::PATCH, "/v1/profiles/{id}", update)
        .route(Method::DELETE, "/v1/profiles/{id}", delete)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateProfileBody {
    /// 1 to 120 characters. No other profile of the account has it.
    #[schema(value_type = String)]
    name: Name,
    /// 3 to 60 characters of a-z, 0-9 and underscore; `default` unless told.
    #[schema(value_type = Option<String>)]
    archetype: Option<Archetype>,
    /// At most 500 characters.
    #[schema(value_type = Option<String>)]
    description: Option<Description>,
    /// A JSON object of at most 8 KiB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Metadata>,
}

/// A profile.
#[derive(Serialize, ToSchema)]
pub(super) struct ProfileView {
    #[schema(value_type = String)]
    id: ProfileId,
    /// Whose workspace it is on.
    #[schema(value_type = String)]
    account_id: AccountId,
    name: String,
    archetype: String,
    description: Option<String>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Metadata>,
    /// In whose hands the credential was.
    #[schema(value_type = String)]
    created_by_account_id: AccountId,
    /// `key_…` or `wsk_…`.
    created_with: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
}

impl From<Profile> for ProfileView {
    fn from(profile: Profile) -> Self {
        Self {
            id: profile.id,
            account_id: profile.account,
            name: profile.name.into(),
            archetype: profile.archetype.into(),
            description: profile.description.map(Into::into),
            metadata: profile.metadata,
            created_by_account_id: profile.created_by,
            created_with: profile.created_with.to_string(),
            created_at: profile.created_at,
            updated_at: profile.updated_at,
        }
    }
}

async fn create(
    gate: Gate<CreateProfile>,
    services: Data<Services>,
    new: NewBody<CreateProfileBody>,
) -> Result<Once<Created<ProfileView>>, Problem> {
    let CreateProfileBody { name, archetype, description, metadata } = new.body;
    let order = ProfileOrder { name, archetype, description, metadata };
    let create = async |by: Creation<'_, _, _>| services.profiles.create(by, order.clone()).await;
    gate.create(&new.repeatable, create, |profile| Created(profile.clone().into())).await
}

/// What a published client calls the thing of which there are too many, under both of its names.
const RECORD_TYPE: &str = "profile";

impl From<CreateProfileError> for Problem {
    fn from(error: CreateProfileError) -> Self {
        match error {
            CreateProfileError::NameTaken => Self::new(Code::Conflict, error),
            CreateProfileError::Full { kept, limit } => Self::new(Code::TierLimit, error)
                .with("current", kept)
                .with("limit", limit)
                .with("record_type", RECORD_TYPE)
                .with("resource", RECORD_TYPE),
            CreateProfileError::Commit(error) => error.into(),
        }
    }
}

async fn list(
    gate: Gate<ListProfiles>,
    services: Data<Services>,
    paging: Query<Paging>,
) -> Result<Ok200<Listed<ProfileView>>, Problem> {
    paging.0.answer(&gate, async |by, page| services.profiles.list(by, page).await).await
}

async fn read(
    gate: Gate<ReadProfile>,
    services: Data<Services>,
    id: Id<ProfileId>,
) -> Result<Ok200<ProfileView>, Problem> {
    let found = services.profiles.read(gate.permit(), id.0).await?;
    found.map(|profile| Ok200(profile.into())).ok_or_else(|| UpdateProfileError::NotFound.into())
}

/// Any of them; null clears a description or the metadata.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateProfileBody {
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<String>)]
    archetype: Option<Archetype>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    description: Edit<Description>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    metadata: Edit<Metadata>,
}

/// A field that may be absent, but not cleared.
fn not_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

async fn update(
    gate: Gate<UpdateProfile>,
    services: Data<Services>,
    id: Id<ProfileId>,
    body: Body<UpdateProfileBody>,
) -> Result<Ok200<ProfileView>, Problem> {
    let UpdateProfileBody { name, archetype, description, metadata } = body.0;
    let patch = ProfilePatch { name, archetype, description, metadata };
    let profile = gate.change(async |by| services.profiles.update(by, id.0, patch.clone()).await).await?;
    Ok(Ok200(profile.into()))
}

impl From<UpdateProfileError> for Problem {
    fn from(error: UpdateProfileError) -> Self {
        match error {
            UpdateProfileError::NothingToChange => Self::invalid("", error),
            UpdateProfileError::NotFound => Self::not_found(error),
            UpdateProfileError::NameTaken => Self::new(Code::Conflict, error),
            UpdateProfileError::Commit(error) => error.into(),
        }
    }
}

async fn delete(gate: Gate<DeleteProfile>, services: Data<Services>, id: Id<ProfileId>) -> Result<NoContent, Problem> {
    gate.change(async |by| services.profiles.delete(by, id.0).await).await?;
    Ok(NoContent)
}

impl From<DeleteProfileError> for Problem {
    fn from(error: DeleteProfileError) -> Self {
        match error {
            DeleteProfileError::NotFound => Self::not_found(error),
            DeleteProfileError::InUse(session) => {
                Self::new(Code::Conflict, error).with("active_session_id", session.to_string())
            }
            DeleteProfileError::Commit(error) => error.into(),
        }
    }
}
