//! Another tier, plan or status.

use actix_web::web::Data;
use driftstack_domain::{
    id::AccountId,
    policy::action::{SetPlan, SetTier, SuspendAccount, UnsuspendAccount},
    staff::{Remark, SuspendError},
    tier::{Plan, Tier},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::SeenAccountView;
use crate::{
    http::{Body, Code, Gate, Id, Ok200, Problem},
    wire::Services,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TierBody {
    #[schema(value_type = String)]
    tier: Tier,
    /// 1 to 2,000 characters. The customer reads it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    reason: Option<Remark>,
}

pub(super) async fn tier(
    gate: Gate<SetTier>,
    services: Data<Services>,
    id: Id<AccountId>,
    body: Body<TierBody>,
) -> Result<Ok200<SeenAccountView>, Problem> {
    let TierBody { tier, reason } = &body.0;
    let seen = gate.change(async |by| services.staff.set_tier(by, id.0, *tier, reason.as_ref()).await).await?;
    Ok(Ok200(SeenAccountView::new(seen, services.clock.now())))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanBody {
    /// `free`, `standard`, `professional`, `api` or `enterprise`.
    #[schema(value_type = String)]
    plan: Plan,
    /// 1 to 2,000 characters. The customer reads it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    reason: Option<Remark>,
}

pub(super) async fn plan(
    gate: Gate<SetPlan>,
    services: Data<Services>,
    id: Id<AccountId>,
    body: Body<PlanBody>,
) -> Result<Ok200<SeenAccountView>, Problem> {
    let PlanBody { plan, reason } = &body.0;
    let seen = gate.change(async |by| services.staff.set_plan(by, id.0, *plan, reason.as_ref()).await).await?;
    Ok(Ok200(SeenAccountView::new(seen, services.clock.now())))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonBody {
    /// 1 to 2,000 characters. The customer reads it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    reason: Option<Remark>,
}

pub(super) async fn suspend(
    gate: Gate<SuspendAccount>,
    services: Data<Services>,
    id: Id<AccountId>,
    body: Body<ReasonBody>,
) -> Result<Ok200<SeenAccountView>, Problem> {
    let reason = body.0.reason.as_ref();
    let seen = gate.change(async |by| services.staff.suspend(by, id.0, reason).await).await?;
    Ok(Ok200(SeenAccountView::new(seen, services.clock.now())))
}

pub(super) async fn unsuspend(
    gate: Gate<UnsuspendAccount>,
    services: Data<Services>,
    id: Id<AccountId>,
    body: Body<ReasonBody>,
) -> Result<Ok200<SeenAccountView>, Problem> {
    let reason = body.0.reason.as_ref();
    let seen = gate.change(async |by| services.staff.unsuspend(by, id.0, reason).await).await?;
    Ok(Ok200(SeenAccountView::new(seen, services.clock.now())))
}

impl From<SuspendError> for Problem {
    fn from(error: SuspendError) -> Self {
        match error {
            SuspendError::NotFound => Self::not_found(error),
            SuspendError::Oneself => Self::new(Code::Conflict, error),
            SuspendError::Commit(error) => error.into(),
        }
    }
}
