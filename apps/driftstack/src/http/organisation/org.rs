//! The active organisation.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    name::Name,
    organisation::{Feature, MemberNumber, Organisation, OrganisationNumber, OwnerShown, RenameOrganisationError},
    policy::action::{ReadOrganisation, RenameOrganisation},
    tier::Plan,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    envelope::Said,
    words::{Seconds, search_max_results},
};
use crate::{
    http::{Api, Body, Gate, Problem},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/api/v1/account/org", org).route(Method::PUT, "/api/v1/account/org", rename)
}

#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "it is the published shape")]
struct PermissionsView {
    /// -1: unlimited.
    search_max_results: i64,
    sage_visible: bool,
    virtual_patch: bool,
    api_keys: bool,
    webhook_delivery: bool,
}

impl From<Plan> for PermissionsView {
    fn from(plan: Plan) -> Self {
        Self {
            search_max_results: search_max_results(plan),
            sage_visible: plan.has(Feature::SageVisible),
            virtual_patch: plan.has(Feature::VirtualPatch),
            api_keys: plan.has(Feature::ApiKeys),
            webhook_delivery: plan.has(Feature::WebhookDelivery),
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
            permissions: team.plan.into(),
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
