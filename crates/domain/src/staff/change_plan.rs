//! Another plan for the team of an account.

use super::{
    Staff, StaffError,
    hand::Hand,
    noun::SeenAccount,
    remark::{Remark, because},
};
use crate::{
    access::Permit, audit::AuditAction, change::Change, desk::Desk, id::AccountId, policy::action::SetPlan, team::Team,
    tier::Plan,
};

/// A team with its new plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlanChange {
    pub team: Team,
    pub change: Change,
}

impl SeenAccount {
    /// `None`: its team is on that plan.
    pub(super) fn on_plan(&self, plan: Plan, hand: Hand, reason: Option<&Remark>, desk: &Desk) -> Option<PlanChange> {
        if self.team.plan == plan {
            return None;
        }
        let entry = hand
            .entry(desk, self.account.id, AuditAction::PlanChanged)
            .on(self.team.id)
            .with("from", self.team.plan.as_str())
            .with("to", plan.as_str());
        let change = hand.change(desk, self, because(desk, entry, reason));
        Some(PlanChange { team: Team { plan, updated_at: desk.now(), ..self.team.clone() }, change })
    }
}

impl Staff {
    pub async fn set_plan(
        &self,
        by: &Permit<SetPlan>,
        id: AccountId,
        plan: Plan,
        reason: Option<&Remark>,
    ) -> Result<SeenAccount, StaffError> {
        let mut seen = self.seen(id).await?;
        if let Some(it) = seen.on_plan(plan, Hand::of(by), reason, &self.desk) {
            self.store.commit_plan(&it).await?;
            seen.team = it.team;
        }
        Ok(seen)
    }
}
