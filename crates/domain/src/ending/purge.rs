//! Purging what was deleted long enough ago.

use std::sync::Arc;

use super::{noun::SeenPurge, port::EndingStore};
use crate::{
    audit::{Actor, AuditAction},
    avatar::AvatarKey,
    change::{Change, CommitError, Effects, Guard, StoreError},
    desk::Desk,
    email::Email,
    id::AccountId,
    idempotency::IdempotencyStore,
    time::Timestamp,
};

/// The end of everything that says who an account was.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Purge {
    pub account: AccountId,
    /// The address that it had, and that is free from now on.
    pub email: Email,
    /// What stands in its place. Nobody gets mail there.
    pub placeholder: Email,
    pub avatar: Option<AvatarKey>,
    pub at: Timestamp,
    pub change: Change,
}

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PurgeRound {
    pub purged: u32,
    pub failed: u32,
}

/// Accounts that are looked at in a round. Each is purged in a transaction of its own.
const BATCH: u16 = 16;
/// Expired answers that are forgotten at once.
const ANSWERS: u16 = 500;

/// Purges.
pub struct Purger {
    store: Arc<dyn EndingStore>,
    answers: Arc<dyn IdempotencyStore>,
    desk: Desk,
}

impl Purger {
    pub fn new(store: Arc<dyn EndingStore>, answers: Arc<dyn IdempotencyStore>, desk: Desk) -> Self {
        Self { store, answers, desk }
    }

    /// Purges what is due. A round that purged nothing means that there is nothing to do, or that it cannot be done now.
    ///
    /// Any number of processes may do so: a purge is guarded by the account's revision, so whoever comes second, after another
    /// one or after its holder, is stale and leaves it alone.
    pub async fn round(&self) -> Result<PurgeRound, StoreError> {
        let now = self.desk.now();
        let due = self.store.due_purges(now, BATCH).await?;
        let mut round = PurgeRound::default();
        if due.is_empty() {
            return Ok(round);
        }
        // The answers that were kept for it are kept under digests. They have expired weeks ago, as nobody has got in since.
        while self.answers.forget_answers(now, ANSWERS).await? >= usize::from(ANSWERS) {}
        for seen in due {
            match self.store.commit_purge(&self.purge(seen)).await {
                Ok(()) => round.purged += 1,
                Err(CommitError::Stale) => {}
                Err(CommitError::Store(away @ StoreError::Unavailable(_))) => return Err(away),
                // The others do not wait for the one that cannot be purged.
                Err(CommitError::Store(_) | CommitError::Taken(_) | CommitError::Full { .. }) => round.failed += 1,
            }
        }
        Ok(round)
    }

    fn purge(&self, seen: SeenPurge) -> Purge {
        let SeenPurge { account, email, avatar, revision } = seen;
        let entry = self.desk.audit_as(Actor::System, account, AuditAction::AccountPurged).on(account);
        let change = Change::new(Guard::seen(account, revision), Effects::audited(entry));
        // Not made of the account's id, which others know: whoever took the address before could keep it from being purged.
        let placeholder = Email::nobodys(self.desk.ids.next());
        Purge { account, email, placeholder, avatar, at: self.desk.now(), change }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::Revision,
        ending::port::MockEndingStore,
        idempotency::MockIdempotencyStore,
        testing::{desk, people},
    };

    fn seen(account: AccountId) -> SeenPurge {
        let email = people::email("ada@example.com");
        SeenPurge { account, email, avatar: Some(people::avatar()), revision: Revision(7) }
    }

    fn due(accounts: &[AccountId]) -> MockEndingStore {
        let mut store = MockEndingStore::new();
        let due: Vec<_> = accounts.iter().copied().map(seen).collect();
        store.expect_due_purges().withf(|now, _| *now == people::NOW).returning(move |_, _| Ok(due.clone()));
        store
    }

    async fn round(store: MockEndingStore, sweeps: usize) -> Result<PurgeRound, StoreError> {
        let mut answers = MockIdempotencyStore::new();
        answers.expect_forget_answers().times(sweeps).returning(|_, _| Ok(0));
        Purger::new(Arc::new(store), Arc::new(answers), desk()).round().await
    }

    #[tokio::test]
    async fn what_is_due_is_purged_and_that_is_on_its_log() {
        let mut store = due(&[people::ADA]);
        store
            .expect_commit_purge()
            .times(1)
            .withf(|it| {
                let [entry] = it.change.effects.audit.as_slice() else { return false };
                (it.account, it.avatar) == (people::ADA, Some(people::avatar()))
                    && it.placeholder.as_str().ends_with(".invalid")
                    && it.change.guard == Guard::seen(people::ADA, Revision(7))
                    && (entry.account, entry.action) == (people::ADA, AuditAction::AccountPurged)
                    && entry.personal.is_empty()
                    && it.change.effects.mails.is_empty()
            })
            .returning(|_| Ok(()));
        assert_eq!(round(store, 1).await.unwrap(), PurgeRound { purged: 1, failed: 0 });
    }

    #[tokio::test]
    async fn where_nothing_is_due_nothing_is_swept() {
        assert_eq!(round(due(&[]), 0).await.unwrap(), PurgeRound::default());
    }

    #[tokio::test]
    async fn who_came_back_is_left_alone_and_one_that_fails_holds_nobody_up() {
        let mut store = due(&[people::ADA, people::BO, people::OLIVE]);
        store.expect_commit_purge().times(3).returning(|it| match it.account {
            people::ADA => Err(CommitError::Stale),
            people::BO => Err(StoreError::Failed("no".to_owned()).into()),
            _ => Ok(()),
        });
        assert_eq!(round(store, 1).await.unwrap(), PurgeRound { purged: 1, failed: 1 });
    }

    #[tokio::test]
    async fn a_store_that_is_away_ends_the_round() {
        let mut store = due(&[people::ADA, people::BO]);
        store.expect_commit_purge().times(1).returning(|_| Err(StoreError::Unavailable("away".to_owned()).into()));
        assert!(round(store, 1).await.is_err());
    }
}
