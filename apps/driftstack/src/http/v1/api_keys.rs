//! The API keys of a workspace.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    api_key::{ApiKey, KeyOrder, MintError, Minted, RevokeKeyError, RotateError, Rotated},
    id::{AccountId, ApiKeyId},
    idempotency::Creation,
    name::Name,
    policy::{
        Scope,
        action::{ListKeys, MintKey, RevokeKey, RotateKey},
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{Api, Code, Created, Gate, Id, Listed, NewBody, NoContent, Ok200, Once, Paging, Problem, Query},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/api-keys", mint)
        .route(Method::GET, "/v1/api-keys", list)
        .route(Method::POST, "/v1/api-keys/{id}/rotate", rotate)
        .route(Method::DELETE, "/v1/api-keys/{id}", revoke)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MintBody {
    /// 1 to 120 characters.
    #[schema(value_type = String)]
    name: Name,
    /// At least one.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// Null or absent: until it is revoked.
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
}

/// A key, without its text.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyView {
    #[schema(value_type = String)]
    id: ApiKeyId,
    name: String,
    /// The first characters of its text.
    key_prefix: String,
    scopes: Vec<&'static str>,
    /// At most a minute old.
    #[schema(value_type = Option<String>, format = "date-time")]
    last_used_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    revoked_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// In whose hands it is.
    #[schema(value_type = String)]
    minted_by_account_id: AccountId,
    /// `key_…` or `wsk_…`; null when the operator minted it.
    minted_with: Option<String>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name.into(),
            key_prefix: key.shown_prefix,
            scopes: key.scopes.iter().map(Scope::as_str).collect(),
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
            expires_at: key.expires_at,
            created_at: key.created_at,
            minted_by_account_id: key.minted_by,
            minted_with: key.minted_with.map(|credential| credential.to_string()),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct MintedView {
    #[serde(flatten)]
    key: KeyView,
    /// The text of the key. It is shown now and never again.
    plaintext: String,
}

impl From<Minted> for MintedView {
    fn from(minted: Minted) -> Self {
        Self { plaintext: minted.secret.expose().to_owned(), key: minted.key.into() }
    }
}

async fn mint(
    gate: Gate<MintKey>,
    services: Data<Services>,
    new: NewBody<MintBody>,
) -> Result<Once<Created<MintedView>>, Problem> {
    let MintBody { name, scopes, expires_at } = new.body;
    let order = KeyOrder { name, scopes: scopes.into_iter().collect(), expires_at };
    let mint = async |by: Creation<'_, _, _>| services.api_keys.mint(by, order.clone()).await;
    gate.create(&new.repeatable, mint, |minted| Created(minted.clone().into())).await
}

impl From<MintError> for Problem {
    fn from(error: MintError) -> Self {
        match error {
            MintError::NoScope => Self::invalid("scopes", error),
            MintError::ExpiryInThePast => Self::invalid("expires_at", error),
            MintError::ScopeNotHeld(_) | MintError::ScopeForTheOwner(_) => Self::new(Code::Forbidden, error),
            MintError::Full { .. } => Self::new(Code::Conflict, error),
            MintError::Commit(error) => error.into(),
        }
    }
}

async fn list(
    gate: Gate<ListKeys>,
    services: Data<Services>,
    paging: Query<Paging>,
) -> Result<Ok200<Listed<KeyView>>, Problem> {
    paging.0.answer(&gate, async |by, page| services.api_keys.list(by, page).await).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateBody {
    /// The old one's unless told.
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
}

#[derive(Serialize, ToSchema)]
struct RotatedView {
    #[serde(flatten)]
    minted: MintedView,
    #[schema(value_type = String)]
    rotated_from: ApiKeyId,
    /// The old key works until then.
    #[schema(value_type = String, format = "date-time")]
    grace_period_ends_at: Timestamp,
}

impl From<Rotated> for RotatedView {
    fn from(rotated: Rotated) -> Self {
        Self {
            minted: Minted { key: rotated.key, secret: rotated.secret }.into(),
            rotated_from: rotated.old,
            grace_period_ends_at: rotated.grace_ends_at,
        }
    }
}

async fn rotate(
    gate: Gate<RotateKey>,
    services: Data<Services>,
    id: Id<ApiKeyId>,
    new: NewBody<RotateBody>,
) -> Result<Once<Created<RotatedView>>, Problem> {
    let rotate = async |by: Creation<'_, _, _>| services.api_keys.rotate(by, id.0, new.body.name.clone()).await;
    gate.create(&new.repeatable, rotate, |rotated| Created(rotated.clone().into())).await
}

impl From<RotateError> for Problem {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::NotFound => Self::not_found(error),
            RotateError::Over | RotateError::Full { .. } => Self::new(Code::Conflict, error),
            RotateError::ScopeNotHeld(_) | RotateError::ScopeForTheOwner(_) => Self::new(Code::Forbidden, error),
            RotateError::Commit(error) => error.into(),
        }
    }
}

async fn revoke(gate: Gate<RevokeKey>, services: Data<Services>, id: Id<ApiKeyId>) -> Result<NoContent, Problem> {
    gate.change(async |by| services.api_keys.revoke(by, id.0).await).await?;
    Ok(NoContent)
}

impl From<RevokeKeyError> for Problem {
    fn from(error: RevokeKeyError) -> Self {
        match error {
            RevokeKeyError::NotFound => Self::not_found(error),
            RevokeKeyError::Commit(error) => error.into(),
        }
    }
}
