//! Purging what was deleted long enough ago.

use std::sync::Arc;

use super::{
    noun::{PurgePlace, SeenPurge},
    port::EndingStore,
};
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PurgeRound {
    pub purged: u32,
    pub failed: Vec<NotPurged>,
    /// Where the next round goes on; `None`: nobody else is due.
    pub next: Option<PurgePlace>,
}

/// An account that is kept longer than its holder was promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPurged {
    pub account: AccountId,
    pub why: String,
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

    /// Purges what is due, behind where the round before has come to: those that cannot be purged hold up nobody. They are
    /// looked at again by whoever begins anew.
    ///
    /// Any number of processes may do so: a purge is guarded by the account's revision, so whoever comes second, after another
    /// one or after its holder, is stale and leaves it alone.
    pub async fn round(&self, behind: Option<PurgePlace>) -> Result<PurgeRound, StoreError> {
        let now = self.desk.now();
        let due = self.store.due_purges(now, behind, BATCH).await?;
        let Some(last) = due.last() else { return Ok(PurgeRound::default()) };
        let next = (due.len() >= usize::from(BATCH)).then(|| last.place());
        let mut round = PurgeRound { next, ..PurgeRound::default() };
        // The answers that were kept for it are kept under digests. They have expired weeks ago, as nobody has got in since.
        while self.answers.forget_answers(now, ANSWERS).await? >= usize::from(ANSWERS) {}
        for seen in due {
            let account = seen.account;
            match self.store.commit_purge(&self.purge(seen.clone())).await {
                Ok(()) => round.purged += 1,
                // Another one has purged it, or its holder is back. If nothing has changed, it is stale for ever.
                Err(CommitError::Stale) if self.has_changed(&seen, now).await => {}
                // Also where the store was away: one account may be too much for it, and the others are not.
                Err(why) => round.failed.push(NotPurged { account, why: why.to_string() }),
            }
        }
        Ok(round)
    }

    async fn has_changed(&self, seen: &SeenPurge, now: Timestamp) -> bool {
        self.store.due_purge(seen.account, now).await.is_ok_and(|due| due.as_ref() != Some(seen))
    }

    fn purge(&self, seen: SeenPurge) -> Purge {
        let SeenPurge { account, email, avatar, revision, .. } = seen;
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
        let (purge_at, avatar) = (people::EARLIER, Some(people::avatar()));
        SeenPurge { account, purge_at, email, avatar, revision: Revision(7) }
    }

    fn due(accounts: &[AccountId]) -> MockEndingStore {
        let mut store = MockEndingStore::new();
        let due: Vec<_> = accounts.iter().copied().map(seen).collect();
        let whole = |now: &_, behind: &Option<_>, _: &_| *now == people::NOW && behind.is_none();
        store.expect_due_purges().withf(whole).returning(move |_, _, _| Ok(due.clone()));
        store
    }

    fn not_purged(account: AccountId, why: &CommitError) -> NotPurged {
        NotPurged { account, why: why.to_string() }
    }

    fn broken() -> CommitError {
        StoreError::Failed("no".to_owned()).into()
    }

    async fn round(store: MockEndingStore, sweeps: usize) -> Result<PurgeRound, StoreError> {
        let mut answers = MockIdempotencyStore::new();
        answers.expect_forget_answers().times(sweeps).returning(|_, _| Ok(0));
        Purger::new(Arc::new(store), Arc::new(answers), desk()).round(None).await
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
        assert_eq!(round(store, 1).await.unwrap(), PurgeRound { purged: 1, ..PurgeRound::default() });
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
            people::BO => Err(broken()),
            _ => Ok(()),
        });
        store.expect_due_purge().times(1).returning(|_, _| Ok(None));
        let failed = vec![not_purged(people::BO, &broken())];
        assert_eq!(round(store, 1).await.unwrap(), PurgeRound { purged: 1, failed, next: None });
    }

    #[tokio::test]
    async fn what_is_stale_though_nothing_has_changed_has_failed() {
        let mut store = due(&[people::ADA, people::BO]);
        store.expect_commit_purge().returning(|_| Err(CommitError::Stale));
        let moved = SeenPurge { revision: Revision(8), ..seen(people::BO) };
        let now = move |account, _| Ok(Some(if account == people::ADA { seen(account) } else { moved.clone() }));
        store.expect_due_purge().returning(now);
        let failed = vec![not_purged(people::ADA, &CommitError::Stale)];
        assert_eq!(round(store, 1).await.unwrap(), PurgeRound { purged: 0, failed, next: None });
    }

    #[tokio::test]
    async fn so_many_that_fail_hold_nobody_up() {
        let stuck: Vec<_> = (1..=u128::from(BATCH)).map(|n| seen(AccountId::new(people::uuid(0x1000 + n)))).collect();
        let last = stuck.last().unwrap().place();
        let mut store = MockEndingStore::new();
        store.expect_due_purges().withf(|_, behind, _| behind.is_none()).returning(move |_, _, _| Ok(stuck.clone()));
        store
            .expect_due_purges()
            .withf(move |_, behind, _| *behind == Some(last))
            .returning(|_, _, _| Ok(vec![seen(people::ADA)]));
        store.expect_commit_purge().returning(|it| if it.account == people::ADA { Ok(()) } else { Err(broken()) });
        let mut answers = MockIdempotencyStore::new();
        answers.expect_forget_answers().returning(|_, _| Ok(0));
        let purger = Purger::new(Arc::new(store), Arc::new(answers), desk());
        let first = purger.round(None).await.unwrap();
        assert_eq!((first.purged, first.failed.len(), first.next), (0, usize::from(BATCH), Some(last)));
        assert_eq!(purger.round(first.next).await.unwrap(), PurgeRound { purged: 1, ..PurgeRound::default() });
    }

    #[tokio::test]
    async fn one_that_is_too_much_for_the_store_holds_nobody_up() {
        let mut store = due(&[people::ADA, people::BO]);
        let late = || CommitError::from(StoreError::Unavailable("a statement took too long".to_owned()));
        store
            .expect_commit_purge()
            .times(2)
            .returning(move |it| if it.account == people::ADA { Err(late()) } else { Ok(()) });
        let failed = vec![not_purged(people::ADA, &late())];
        assert_eq!(round(store, 1).await.unwrap(), PurgeRound { purged: 1, failed, next: None });
    }
}
