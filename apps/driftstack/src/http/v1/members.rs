//! The members of one's team, and the teams that one is a member of.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    id::{AccountId, MembershipId},
    membership::{ChangeRoleError, Membership, RemoveError},
    policy::{
        Role,
        action::{ChangeRole, LeaveTeam, ListMembers, ListOwners, RemoveMember},
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::team::OwnerView;
use crate::{
    http::{Api, Body, Gate, Id, Listed, NoContent, Ok200, Paging, Problem, Query},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/team/members", list)
        .route(Method::PATCH, "/v1/team/members/{id}", change_role)
        .route(Method::DELETE, "/v1/team/members/{id}", remove)
        .route(Method::GET, "/v1/team/owners", owners)
        .route(Method::DELETE, "/v1/team/owners/{id}", leave)
}

/// A member of a team. The owner is not one.
#[derive(Serialize, ToSchema)]
pub(super) struct MembershipView {
    #[schema(value_type = String)]
    id: MembershipId,
    #[schema(value_type = String)]
    owner_account_id: AccountId,
    #[schema(value_type = String)]
    member_account_id: AccountId,
    member_email: String,
    #[schema(value_type = String)]
    role: Role,
    #[schema(value_type = String, format = "date-time")]
    invited_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    accepted_at: Timestamp,
    #[schema(value_type = Option<String>)]
    invited_by_account_id: Option<AccountId>,
}

impl From<Membership> for MembershipView {
    fn from(membership: Membership) -> Self {
        Self {
            id: membership.id,
            owner_account_id: membership.owner,
            member_account_id: membership.member,
            member_email: membership.member_email.into(),
            role: membership.role,
            invited_at: membership.invited_at,
            accepted_at: membership.accepted_at,
            invited_by_account_id: membership.invited_by,
        }
    }
}

async fn list(
    gate: Gate<ListMembers>,
    services: Data<Services>,
    paging: Query<Paging>,
) -> Result<Ok200<Listed<MembershipView>>, Problem> {
    paging.0.answer(&gate, async |by, page| services.memberships.members(by, page).await).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleBody {
    /// `member` or `admin`.
    #[schema(value_type = String)]
    role: Role,
}

#[derive(Serialize, ToSchema)]
struct ChangedView {
    membership: MembershipView,
}

async fn change_role(
    gate: Gate<ChangeRole>,
    services: Data<Services>,
    id: Id<MembershipId>,
    body: Body<RoleBody>,
) -> Result<Ok200<ChangedView>, Problem> {
    let membership = gate.change(async |by| services.memberships.change_role(by, id.0, body.0.role).await).await?;
    Ok(Ok200(ChangedView { membership: membership.into() }))
}

impl From<ChangeRoleError> for Problem {
    fn from(error: ChangeRoleError) -> Self {
        match error {
            ChangeRoleError::NotFound => Self::not_found(error),
            ChangeRoleError::Commit(error) => error.into(),
        }
    }
}

async fn remove(
    gate: Gate<RemoveMember>,
    services: Data<Services>,
    id: Id<MembershipId>,
) -> Result<NoContent, Problem> {
    gate.change(async |by| services.memberships.remove(by, id.0).await).await?;
    Ok(NoContent)
}

async fn owners(
    gate: Gate<ListOwners>,
    services: Data<Services>,
    paging: Query<Paging>,
) -> Result<Ok200<Listed<OwnerView>>, Problem> {
    paging.0.answer(&gate, async |by, page| services.memberships.owners(by, page).await).await
}

async fn leave(gate: Gate<LeaveTeam>, services: Data<Services>, id: Id<MembershipId>) -> Result<NoContent, Problem> {
    gate.change(async |by| services.memberships.leave(by, id.0).await).await?;
    Ok(NoContent)
}

impl From<RemoveError> for Problem {
    fn from(error: RemoveError) -> Self {
        match error {
            RemoveError::NotFound => Self::not_found(error),
            RemoveError::Commit(error) => error.into(),
        }
    }
}
