//! The active organisation.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    name::Name,
    organisation::{MemberNumber, Organisation, OrganisationNumber, OwnerShown, Permissions, RenameOrganisationError},
    policy::action::{ReadOrganisation, RenameOrganisation},
    tier::Plan,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{envelope::Said, words::Seconds};
use crate::{
    http::{Api, Body, Gate, Problem},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/api/v1/account/org", org).route(Method::PUT, "/api/v1/account/org", rename)
}

#[derive(Serialize, ToSchema)]
struct PermissionsView {
    /// -1: unlimited.
    search_max_results: i32,
    sage_visible: bool,
    virtual_patch: bool,
    api_keys: bool,
    webhook_delivery: bool,
}

impl From<Permissions> for PermissionsView {
    fn from(permissions: Permissions) -> Self {
        Self {
            search_max_results: permissions.search_max_results,
            sage_visible: permissions.sage_visible,
            virtual_patch: permissions.virtual_patch,
            api_keys: permissions.api_keys,
            webhook_delivery: permissions.webhook_delivery,
        }
    }
}

#[derive(Serialize, ToSchema)]
struct OrganisationOwnerView {
    #[schema(value_type = i64)]
    id: MemberNumber,
    email: String,
    name: String,
}

impl From<OwnerShown> for OrganisationOwnerView {
    fn from(owner: OwnerShown) -> Self {
        let email = String::from(owner.email);
        Self { id: owner.number, name: owner.name.map_or_else(|| email.clone(), Into::into), email }
    }
}

#[derive(Serialize, ToSchema)]
struct OrganisationView {
    #[schema(value_type = i64)]
    id: OrganisationNumber,
    name: String,
    /// The plan: `free`, `standard`, `professional`, `api` or `enterprise`.
    #[schema(value_type = String)]
    tier: Plan,
    owner: OrganisationOwnerView,
    /// The owner is one of them.
    member_count: i64,
    #[schema(value_type = String, format = "date-time")]
    created_at: Seconds,
    permissions: PermissionsView,
}

impl From<Organisation> for OrganisationView {
    fn from(organisation: Organisation) -> Self {
        let Organisation { number, team, owner, members } = organisation;
        Self {
            id: number,
            name: team.name.into(),
            tier: team.plan,
            owner: owner.into(),
            member_count: members,
            created_at: Seconds(team.created_at),
            permissions: team.plan.permissions().into(),
        }
    }
}

async fn org(gate: Gate<ReadOrganisation>, services: Data<Services>) -> Result<Said<OrganisationView>, Problem> {
    Ok(Said(services.organisations.organisation(gate.permit()).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrganisationBody {
    /// 1 to 120 characters.
    #[schema(value_type = String)]
    name: Name,
}

async fn rename(
    gate: Gate<RenameOrganisation>,
    services: Data<Services>,
    body: Body<OrganisationBody>,
) -> Result<Said<OrganisationView>, Problem> {
    let renamed = gate.change(async |by| services.organisations.rename(by, body.0.name.clone()).await).await?;
    Ok(Said(renamed.into()))
}

impl From<RenameOrganisationError> for Problem {
    fn from(error: RenameOrganisationError) -> Self {
        match error {
            RenameOrganisationError::Commit(error) => error.into(),
        }
    }
}
