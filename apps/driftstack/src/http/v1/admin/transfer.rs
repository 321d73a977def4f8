//! A team in other hands.

use actix_web::web::Data;
use driftstack_domain::{id::AccountId, policy::action::TransferOwnership, staff::TransferError};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    http::{Body, Code, Gate, Id, NoContent, Problem},
    wire::Services,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferBody {
    /// A member of the team.
    #[schema(value_type = String)]
    to_account_id: AccountId,
}

pub(super) async fn transfer(
    gate: Gate<TransferOwnership>,
    services: Data<Services>,
    id: Id<AccountId>,
    body: Body<TransferBody>,
) -> Result<NoContent, Problem> {
    gate.change(async |by| services.staff.transfer(by, id.0, body.0.to_account_id).await).await?;
    Ok(NoContent)
}

impl From<TransferError> for Problem {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::NotFound => Self::not_found(error),
            TransferError::ToItself => Self::invalid("to_account_id", error),
            TransferError::NotAMember | TransferError::HasATeam => Self::new(Code::Conflict, error),
            TransferError::Commit(error) => error.into(),
        }
    }
}
