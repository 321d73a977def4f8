//! Who is calling, and in which organisation.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    name::Name,
    organisation::{Feature, Member, MemberError, MemberNumber, OrganisationChoice, OrganisationNumber},
    policy::action::{EditMember, ListOrganisations, ReadMember, SwitchOrganisation},
    tier::Plan,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    envelope::Said,
    words::{Seconds, role, search_max_results},
};
use crate::{
    http::{Api, Body, Gate, Problem, either_gate::EitherGate},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/api/v1/account/me", me).route(Method::PUT, "/api/v1/account/me", change).route(
        Method::GET,
        "/api/v1/account/orgs",
        choices,
    )
}

#[derive(Serialize, ToSchema)]
struct MemberPermissionsView {
    /// -1: unlimited.
    search_max_results: i64,
    sage_visible: bool,
    virtual_patch: bool,
    api_keys: bool,
}

impl From<Plan> for MemberPermissionsView {
    fn from(plan: Plan) -> Self {
        Self {
            search_max_results: search_max_results(plan),
            sage_visible: plan.has(Feature::SageVisible),
            virtual_patch: plan.has(Feature::VirtualPatch),
            api_keys: plan.has(Feature::ApiKeys),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct MemberView {
    #[schema(value_type = i64)]
    id: MemberNumber,
    email: String,
    /// The address of somebody who has given no name.
    name: String,
    /// The plan of the organisation.
    #[schema(value_type = String)]
    tier: Plan,
    #[schema(value_type = i64)]
    org_id: OrganisationNumber,
    org_name: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Seconds,
    permissions: MemberPermissionsView,
    /// `owner`, `admin` or `viewer`.
    role: &'static str,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        let email = String::from(member.email);
        Self {
            id: member.number,
            name: member.name.map_or_else(|| email.clone(), Into::into),
            email,
            tier: member.plan,
            org_id: member.organisation,
            org_name: member.organisation_name.into(),
            created_at: Seconds(member.created_at),
            permissions: member.plan.into(),
            role: role(member.role),
        }
    }
}

async fn me(gate: Gate<ReadMember>, services: Data<Services>) -> Result<Said<MemberView>, Problem> {
    Ok(Said(services.organisations.me(gate.permit()).await?.into()))
}

/// At least one of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberBody {
    /// 1 to 120 characters. For the owner and admins.
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    /// The organisation to be active from now on, for every sign-in of the account. Open to viewers, not to API keys.
    #[schema(value_type = Option<i64>)]
    org_id: Option<OrganisationNumber>,
}

async fn change(
    gate: EitherGate<EditMember, SwitchOrganisation>,
    services: Data<Services>,
    body: Body<MemberBody>,
) -> Result<Said<MemberView>, Problem> {
    let organisations = &services.organisations;
    let member = match body.0 {
        MemberBody { name: None, org_id: None } => {
            return Err(Problem::invalid("", "name at least one field to change: `name` or `org_id`"));
        }
        MemberBody { name: None, org_id: Some(org) } => {
            gate.other()?.change(async |by| organisations.switch(by, org).await).await?
        }
        MemberBody { name: Some(name), org_id } => {
            if org_id.is_some() {
                gate.other()?;
            }
            gate.main()?.change(async |by| organisations.edit_me(by, name.clone(), org_id).await).await?
        }
    };
    Ok(Said(member.into()))
}

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::NoOrganisation => Self::not_found(error),
            MemberError::Commit(error) => error.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct ChoiceView {
    #[schema(value_type = i64)]
    id: OrganisationNumber,
    name: String,
    role: &'static str,
    active: bool,
}

/// One's own first, then the newest membership.
#[derive(Serialize, ToSchema)]
struct ChoicesView {
    orgs: Vec<ChoiceView>,
}

async fn choices(gate: Gate<ListOrganisations>, services: Data<Services>) -> Result<Said<ChoicesView>, Problem> {
    let by = gate.permit();
    let choices = services.organisations.choices(by).await?;
    let view = |choice: OrganisationChoice| ChoiceView {
        id: choice.number,
        name: choice.name.into(),
        role: role(choice.role),
        active: choice.owner == by.workspace(),
    };
    Ok(Said(ChoicesView { orgs: choices.into_iter().map(view).collect() }))
}
