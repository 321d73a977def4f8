//! Looking at the second factor, giving it up, and new recovery codes.

use super::{Mfa, noun::SeenFactor, recovery::RecoveryCode};
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, StoreError, commits},
    id::FactorId,
    policy::action::{DisableMfa, ReadMfa, RegenerateRecoveryCodes},
    secret::Digest,
    time::Timestamp,
};

/// What the holder is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MfaStatus {
    /// `None`: there is no second factor.
    pub enrolled_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub unused_recovery_codes: usize,
}

impl MfaStatus {
    pub(crate) fn of(seen: Option<SeenFactor>) -> Self {
        seen.map_or_else(Self::default, |seen| Self {
            enrolled_at: seen.factor.enrolled_at,
            last_used_at: seen.factor.last_used_at,
            unused_recovery_codes: seen.recovery.len(),
        })
    }
}

/// A factor that is given up, with its recovery codes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FactorRemoval {
    pub factor: FactorId,
    pub change: Change,
}

/// Recovery codes in place of all the older ones.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NewRecoveryCodes {
    pub factor: FactorId,
    pub recovery: Vec<Digest>,
    pub change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no second factor; enroll one first")]
pub struct NotEnrolled;

#[derive(Debug, thiserror::Error)]
pub enum RegenerateError {
    #[error(transparent)]
    NotEnrolled(#[from] NotEnrolled),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(RegenerateError);

impl Mfa {
    pub async fn status(&self, by: &Permit<ReadMfa>) -> Result<MfaStatus, StoreError> {
        Ok(MfaStatus::of(self.store.seen_factor(by.workspace()).await?))
    }

    /// Without a factor there is nothing to give up.
    pub async fn disable(&self, by: &Permit<DisableMfa>) -> Result<(), CommitError> {
        let Some(seen) = self.store.seen_factor(by.workspace()).await? else { return Ok(()) };
        let entry = self.desk.audit(by, AuditAction::MfaDisabled).on(by.workspace());
        let it = FactorRemoval { factor: seen.factor.id, change: Change::new(by, Effects::audited(entry)) };
        self.store.commit_factor_removal(&it).await
    }

    /// Hands out ten new codes; the older ones stop working.
    pub async fn regenerate(&self, by: &Permit<RegenerateRecoveryCodes>) -> Result<Vec<RecoveryCode>, RegenerateError> {
        let seen = self.store.seen_factor(by.workspace()).await?.ok_or(NotEnrolled)?;
        let codes = self.fresh_codes();
        let entry = self.desk.audit(by, AuditAction::RecoveryCodesRegenerated).on(by.workspace());
        let it = NewRecoveryCodes {
            factor: seen.factor.id,
            recovery: self.fingerprints(seen.factor.id, &codes),
            change: Change::new(by, Effects::audited(entry)),
        };
        self.store.commit_new_recovery_codes(&it).await?;
        Ok(codes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mfa::{SeenFactor, port::MockMfaStore, recovery::RECOVERY_CODES, testing},
        testing::{desk, people},
    };
    use std::sync::Arc;

    fn store(seen: Option<SeenFactor>) -> MockMfaStore {
        let mut store = MockMfaStore::new();
        store.expect_seen_factor().returning(move |_| Ok(seen.clone()));
        store
    }

    #[tokio::test]
    async fn the_status_counts_what_is_unused() {
        let (seen, _) = testing::with_recovery_code();
        let status = Mfa::new(Arc::new(store(Some(seen))), desk()).status(&people::permit()).await.unwrap();
        assert_eq!((status.enrolled_at, status.unused_recovery_codes), (Some(people::EARLIER), 1));
        let none = Mfa::new(Arc::new(store(None)), desk()).status(&people::permit()).await.unwrap();
        assert_eq!(none, MfaStatus::default());
    }

    #[tokio::test]
    async fn only_what_is_there_is_given_up() {
        for (seen, commits) in [(Some(testing::seen_factor()), 1), (None, 0)] {
            let mut store = store(seen);
            store.expect_commit_factor_removal().times(commits).returning(|_| Ok(()));
            assert!(Mfa::new(Arc::new(store), desk()).disable(&people::permit()).await.is_ok());
        }
    }

    #[tokio::test]
    async fn new_codes_are_for_whoever_has_a_factor() {
        let mut there = store(Some(testing::seen_factor()));
        there
            .expect_commit_new_recovery_codes()
            .times(1)
            .withf(|it| it.recovery.len() == RECOVERY_CODES)
            .returning(|_| Ok(()));
        let codes = Mfa::new(Arc::new(there), desk()).regenerate(&people::permit()).await.unwrap();
        assert_eq!(codes.len(), RECOVERY_CODES);
        let refused = Mfa::new(Arc::new(store(None)), desk()).regenerate(&people::permit()).await;
        assert!(matches!(refused, Err(RegenerateError::NotEnrolled(_))));
    }
}
