//! The API keys of the active organisation.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    api_key::{ApiKey, Minted},
    id::ApiKeyId,
    idempotency::Creation,
    name::Name,
    organisation::OrganisationKeyOrder,
    policy::{
        Scope,
        action::{ListOrganisationKeys, MintOrganisationKey, RevokeOrganisationKey},
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    envelope::{Said, SaidNew},
    words::Seconds,
};
use crate::{
    http::{Api, Gate, Id, Listed, NewBody, Once, Paging, Problem, Query},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/api/v1/account/api-keys", list)
        .route(Method::POST, "/api/v1/account/api-keys", mint)
        .route(Method::DELETE, "/api/v1/account/api-keys/{id}", revoke)
}

/// A key, without its text.
#[derive(Serialize, ToSchema)]
struct OrganisationKeyView {
    #[schema(value_type = String)]
    id: ApiKeyId,
    name: String,
    /// The first characters of its text.
    key_prefix: String,
    scopes: Vec<&'static str>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Seconds,
    /// At most a minute old.
    #[schema(value_type = Option<String>, format = "date-time")]
    last_used_at: Option<Seconds>,
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Seconds>,
    #[schema(value_type = Option<String>, format = "date-time")]
    revoked_at: Option<Seconds>,
}

impl From<ApiKey> for OrganisationKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name.into(),
            key_prefix: key.shown_prefix,
            scopes: key.scopes.iter().map(Scope::as_str).collect(),
            created_at: Seconds(key.created_at),
            last_used_at: key.last_used_at.map(Seconds),
            expires_at: key.expires_at.map(Seconds),
            revoked_at: key.revoked_at.map(Seconds),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct OrganisationKeysView {
    api_keys: Vec<OrganisationKeyView>,
    has_more: bool,
    next_cursor: Option<String>,
}

async fn list(
    gate: Gate<ListOrganisationKeys>,
    services: Data<Services>,
    paging: Query<Paging>,
) -> Result<Said<OrganisationKeysView>, Problem> {
    let page = paging.0.page(&gate, async |by, page| services.organisations.keys(by, page).await).await?;
    let Listed { data: api_keys, has_more, next_cursor } = page;
    Ok(Said(OrganisationKeysView { api_keys, has_more, next_cursor }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrganisationKeyBody {
    /// 1 to 120 characters.
    #[schema(value_type = String)]
    name: Name,
    /// What the role of the minter may lend, unless told.
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Vec<Scope>>,
    /// Null or absent: until it is revoked.
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
struct NewOrganisationKeyView {
    #[serde(flatten)]
    about: OrganisationKeyView,
    /// The text of the key. It is shown now and never again.
    key: String,
}

impl From<Minted> for NewOrganisationKeyView {
    fn from(minted: Minted) -> Self {
        Self { key: minted.secret.expose().to_owned(), about: minted.key.into() }
    }
}

async fn mint(
    gate: Gate<MintOrganisationKey>,
    services: Data<Services>,
    new: NewBody<OrganisationKeyBody>,
) -> Result<Once<SaidNew<NewOrganisationKeyView>>, Problem> {
    let OrganisationKeyBody { name, scopes, expires_at } = new.body;
    let scopes = scopes.map(|scopes| scopes.into_iter().collect());
    let order = OrganisationKeyOrder { name, scopes, expires_at };
    let mint = async |by: Creation<'_, _, _>| services.organisations.mint_key(by, order.clone()).await;
    gate.create(&new.repeatable, mint, |minted| SaidNew(minted.clone().into())).await
}

#[derive(Serialize, ToSchema)]
struct RevokedOrganisationKeyView {
    #[schema(value_type = String)]
    id: ApiKeyId,
    revoked: bool,
}

async fn revoke(
    gate: Gate<RevokeOrganisationKey>,
    services: Data<Services>,
    id: Id<ApiKeyId>,
) -> Result<Said<RevokedOrganisationKeyView>, Problem> {
    gate.change(async |by| services.organisations.revoke_key(by, id.0).await).await?;
    Ok(Said(RevokedOrganisationKeyView { id: id.0, revoked: true }))
}
