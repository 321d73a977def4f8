//! The record of one's team.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    id::{AccountId, MembershipId, TeamId},
    membership::OwnerSeen,
    name::Name,
    policy::{
        Role,
        action::{ListTeams, RenameTeam},
    },
    team::{RenameError, Team},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{Api, Body, Gate, Id, Ok200, Problem},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/teams", list).route(Method::PATCH, "/v1/teams/{id}", rename)
}

/// A team that somebody is a member of.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnerView {
    #[schema(value_type = String)]
    owner_account_id: AccountId,
    owner_email: String,
    owner_name: Option<String>,
    #[schema(value_type = String)]
    role: Role,
    #[schema(value_type = String)]
    membership_id: MembershipId,
}

impl From<OwnerSeen> for OwnerView {
    fn from(seen: OwnerSeen) -> Self {
        Self {
            owner_account_id: seen.owner,
            owner_email: seen.owner_email.into(),
            owner_name: seen.owner_name.map(Into::into),
            role: seen.role,
            membership_id: seen.membership,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct TeamView {
    #[schema(value_type = String)]
    id: TeamId,
    name: String,
    /// Always null: teams have no slugs.
    slug: Option<String>,
    #[schema(value_type = String)]
    owner_account_id: AccountId,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
}

impl From<Team> for TeamView {
    fn from(team: Team) -> Self {
        Self {
            id: team.id,
            name: team.name.into(),
            slug: None,
            owner_account_id: team.owner,
            created_at: team.created_at,
            updated_at: team.updated_at,
        }
    }
}

/// There is one team an account, so there are no pages.
#[derive(Serialize, ToSchema)]
struct TeamsView {
    data: Vec<TeamView>,
}

async fn list(gate: Gate<ListTeams>, services: Data<Services>) -> Result<Ok200<TeamsView>, Problem> {
    let teams = services.teams.list(gate.permit()).await?;
    Ok(Ok200(TeamsView { data: teams.into_iter().map(TeamView::from).collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameBody {
    /// 1 to 120 characters.
    #[schema(value_type = String)]
    name: Name,
}

#[derive(Serialize, ToSchema)]
struct RenamedView {
    team: TeamView,
}

async fn rename(
    gate: Gate<RenameTeam>,
    services: Data<Services>,
    id: Id<TeamId>,
    body: Body<RenameBody>,
) -> Result<Ok200<RenamedView>, Problem> {
    let team = gate.change(async |by| services.teams.rename(by, id.0, body.0.name.clone()).await).await?;
    Ok(Ok200(RenamedView { team: team.into() }))
}

impl From<RenameError> for Problem {
    fn from(error: RenameError) -> Self {
        match error {
            RenameError::NotFound => Self::not_found(error),
            RenameError::Commit(error) => error.into(),
        }
    }
}
