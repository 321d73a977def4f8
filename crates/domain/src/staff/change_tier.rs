//! Another tier for an account.

use super::{
    Staff, StaffError,
    hand::Hand,
    noun::SeenAccount,
    remark::{Remark, because},
};
use crate::{
    access::Permit, audit::AuditAction, change::Change, desk::Desk, id::AccountId, mail::MailContent,
    policy::action::SetTier, tier::Tier, time::Timestamp,
};

/// An account with its new tier. Nothing that is over a lower cap is taken away.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TierChange {
    pub account: AccountId,
    pub tier: Tier,
    pub at: Timestamp,
    pub change: Change,
}

impl SeenAccount {
    /// `None`: it is on that tier. Whoever's hand it is, the holder is told by mail unless they have declined that.
    pub(super) fn on_tier(&self, tier: Tier, hand: Hand, reason: Option<&Remark>, desk: &Desk) -> Option<TierChange> {
        let Self { account, .. } = self;
        if account.tier == tier {
            return None;
        }
        let entry = hand
            .entry(desk, account.id, AuditAction::TierChanged)
            .with("from", account.tier.as_str())
            .with("to", tier.as_str());
        let mut change = hand.change(desk, self, because(desk, entry, reason));
        let content = MailContent::TierChanged { from: account.tier, to: tier };
        let mail = self.wants_tier_mail.then(|| desk.mail(account.email.clone(), content));
        change.effects = change.effects.mailed(mail);
        Some(TierChange { account: account.id, tier, at: desk.now(), change })
    }
}

impl Staff {
    /// Counts from the account's next call on.
    pub async fn set_tier(
        &self,
        by: &Permit<SetTier>,
        id: AccountId,
        tier: Tier,
        reason: Option<&Remark>,
    ) -> Result<SeenAccount, StaffError> {
        let mut seen = self.seen(id).await?;
        if let Some(it) = seen.on_tier(tier, Hand::of(by), reason, &self.desk) {
            self.store.commit_tier(&it).await?;
            (seen.account.tier, seen.account.updated_at) = (it.tier, it.at);
        }
        Ok(seen)
    }
}
