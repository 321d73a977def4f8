//! Overriding a rate limit of an account until a date.

use super::{
    Staff, StaffError,
    hand::Hand,
    noun::SeenAccount,
    remark::{Remark, because},
};
use crate::{
    access::Permit,
    audit::{AuditAction, AuditDraft},
    change::Change,
    id::AccountId,
    limit::Bucket,
    policy::action::{ClearOverride, SetOverride},
    tier::{Capacity, EffectiveQuota, OverrideLife, Overrides, QuotaOverride, RefillRate, effective_quota},
};

/// What staff ask for.
#[derive(Debug, Clone)]
pub struct OverrideOrder {
    pub bucket: Bucket,
    pub capacity: Capacity,
    pub refill_per_second: RefillRate,
    pub life: OverrideLife,
    pub reason: Option<Remark>,
}

/// An account with other overrides. Those that are over are not among them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OverrideChange {
    pub account: AccountId,
    pub overrides: Overrides,
    pub change: Change,
}

impl Staff {
    /// Takes the place of an earlier override of that bucket. Counts from the account's next call on.
    pub async fn set_override(
        &self,
        by: &Permit<SetOverride>,
        id: AccountId,
        order: &OverrideOrder,
    ) -> Result<EffectiveQuota, StaffError> {
        let seen = self.seen(id).await?;
        let (hand, now) = (Hand::of(by), self.desk.now());
        let set = QuotaOverride {
            capacity: order.capacity,
            refill_per_second: order.refill_per_second,
            expires_at: now.plus(order.life.duration()),
        };
        let entry = hand
            .entry(&self.desk, id, AuditAction::OverrideSet)
            .with("bucket_key", order.bucket.as_str())
            .with("capacity", u32::from(set.capacity))
            .with("refill_per_second", f64::from(set.refill_per_second))
            .with("expires_at", set.expires_at.to_string());
        let entry = because(&self.desk, entry, order.reason.as_ref());
        let overrides = self.commit_override(hand, &seen, order.bucket, Some(set), entry).await?;
        Ok(effective_quota(seen.account.tier, &overrides, order.bucket, now))
    }

    /// The tier counts again. Where no override is in force there is nothing to do.
    pub async fn clear_override(
        &self,
        by: &Permit<ClearOverride>,
        id: AccountId,
        bucket: Bucket,
    ) -> Result<(), StaffError> {
        let seen = self.seen(id).await?;
        if seen.overrides.in_force(bucket, self.desk.now()).is_none() {
            return Ok(());
        }
        let hand = Hand::of(by);
        let entry = hand.entry(&self.desk, id, AuditAction::OverrideCleared).with("bucket_key", bucket.as_str());
        self.commit_override(hand, &seen, bucket, None, entry).await?;
        Ok(())
    }

    async fn commit_override(
        &self,
        hand: Hand,
        seen: &SeenAccount,
        bucket: Bucket,
        to: Option<QuotaOverride>,
        entry: AuditDraft,
    ) -> Result<Overrides, StaffError> {
        let overrides = seen.overrides.at(self.desk.now()).with(bucket, to);
        let change = hand.change(&self.desk, seen, entry);
        self.store.commit_overrides(&OverrideChange { account: seen.account.id, overrides, change }).await?;
        Ok(overrides)
    }
}
