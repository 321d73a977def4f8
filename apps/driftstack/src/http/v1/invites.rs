//! Invites to one's team.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    email::Email,
    id::{AccountId, InviteId},
    idempotency::Creation,
    membership::{AcceptError, Invite, InviteError, Membership, ResendError, RevokeInviteError},
    policy::{
        Role,
        action::{AcceptInvite, InviteMember, ListInvites, ResendInvite, RevokeInvite},
    },
    time::Timestamp,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{auth::link_token, members::MembershipView};
use crate::{
    http::{
        Accepted, Api, Code, Gate, Id, Listed, NewBody, NoContent, NothingBody, Ok200, Once, Paging, Problem, Query,
        limits::Throttle,
    },
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/team/invites", send)
        .route(Method::GET, "/v1/team/invites", list)
        .route(Method::POST, "/v1/team/invites/accept", accept)
        .route(Method::DELETE, "/v1/team/invites/{id}", revoke)
        .route(Method::POST, "/v1/team/invites/{id}/resend", resend)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SendBody {
    #[schema(value_type = String, format = "email")]
    email: Email,
    /// `member` (unless told) or `admin`.
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
}

#[derive(Serialize, ToSchema)]
struct InviteSentView {
    message: &'static str,
}

const SENT: InviteSentView = InviteSentView { message: "Invite sent. The invitee can accept via the email link." };

async fn send(
    gate: Gate<InviteMember>,
    throttle: Throttle,
    services: Data<Services>,
    new: NewBody<SendBody>,
) -> Result<Once<Accepted<InviteSentView>>, Problem> {
    let SendBody { email, role } = new.body;
    throttle.inviting(gate.permit().workspace(), email.as_str()).await?;
    let role = role.unwrap_or(Role::Member);
    let invite = async |by: Creation<'_, _, _>| services.invites.invite(by, email.clone(), role).await;
    gate.create(&new.repeatable, invite, |_| Accepted(SENT)).await
}

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::OwnAddress => Self::invalid("email", error),
            InviteError::AlreadyMember => Self::new(Code::Conflict, error),
            InviteError::Commit(error) => error.into(),
        }
    }
}

/// A pending invite.
#[derive(Serialize, ToSchema)]
struct InviteView {
    #[schema(value_type = String)]
    id: InviteId,
    #[schema(value_type = String)]
    owner_account_id: AccountId,
    invitee_email: String,
    #[schema(value_type = String)]
    role: Role,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    #[schema(value_type = Option<String>)]
    invited_by_account_id: Option<AccountId>,
    #[schema(value_type = Option<String>, format = "date-time")]
    accepted_at: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<Invite> for InviteView {
    fn from(invite: Invite) -> Self {
        Self {
            id: invite.id,
            owner_account_id: invite.owner,
            invitee_email: invite.email.into(),
            role: invite.role,
            expires_at: invite.expires_at,
            invited_by_account_id: invite.invited_by,
            accepted_at: invite.accepted_at,
            created_at: invite.created_at,
        }
    }
}

async fn list(
    gate: Gate<ListInvites>,
    services: Data<Services>,
    paging: Query<Paging>,
) -> Result<Ok200<Listed<InviteView>>, Problem> {
    paging.0.answer(&gate, async |by, page| services.invites.list(by, page).await).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptBody {
    /// The token at the end of the mailed link.
    #[schema(value_type = String)]
    token: SecretString,
}

#[derive(Serialize, ToSchema)]
struct AcceptedView {
    membership: MembershipView,
}

async fn accept(
    gate: Gate<AcceptInvite>,
    services: Data<Services>,
    new: NewBody<AcceptBody>,
) -> Result<Once<Ok200<AcceptedView>>, Problem> {
    let token = link_token(&new.body.token)?;
    let accept = async |by: Creation<'_, _, _>| services.invites.accept(by, &token).await;
    let tell = |membership: &Membership| Ok200(AcceptedView { membership: membership.clone().into() });
    gate.create(&new.repeatable, accept, tell).await
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::InvalidToken => Self::new(Code::InvalidAuthToken, error),
            AcceptError::OtherAddress | AcceptError::AlreadyMember => Self::new(Code::Conflict, error),
            AcceptError::Commit(error) => error.into(),
        }
    }
}

async fn revoke(gate: Gate<RevokeInvite>, services: Data<Services>, id: Id<InviteId>) -> Result<NoContent, Problem> {
    gate.change(async |by| services.invites.revoke(by, id.0).await).await?;
    Ok(NoContent)
}

impl From<RevokeInviteError> for Problem {
    fn from(error: RevokeInviteError) -> Self {
        match error {
            RevokeInviteError::NotFound => Self::not_found(error),
            RevokeInviteError::Accepted => Self::new(Code::Conflict, error),
            RevokeInviteError::Commit(error) => error.into(),
        }
    }
}

async fn resend(
    gate: Gate<ResendInvite>,
    throttle: Throttle,
    services: Data<Services>,
    id: Id<InviteId>,
    new: NewBody<NothingBody>,
) -> Result<Once<Accepted<InviteSentView>>, Problem> {
    throttle.inviting(gate.permit().workspace(), id.0).await?;
    let resend = async |by: Creation<'_, _, _>| services.invites.resend(by, id.0).await;
    gate.create(&new.repeatable, resend, |_| Accepted(SENT)).await
}

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NotFound => Self::not_found(error),
            ResendError::Over => Self::new(Code::Conflict, error),
            ResendError::Commit(error) => error.into(),
        }
    }
}
