//! How a change reaches the store: decided first, then committed whole or not at all.
//!
//! A rule looks at what was seen and makes a sealed record: the rows to write, a [`Guard`], and the [`Effects`] that belong
//! to it. The store commits the record in one transaction, or says why not with a [`CommitError`].

use crate::{
    access::Permit, audit::AuditDraft, id::AccountId, idempotency::KeptAnswer, mail::OutgoingMail, time::Timestamp,
    webhook::Event,
};

/// Counts the commits on one account's workspace that a decision of somebody else may depend on. Equal revisions mean: nothing
/// of the kind was committed in between.
///
/// Of what ends on the log, [`AuditAction::moves_the_revision`](crate::audit::AuditAction::moves_the_revision) says what does
/// not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub i64);

/// What must still hold when a record is committed: no account in it has moved on since it was seen.
///
/// A revision is read in the same statement as the facts that were decided on, or earlier, never later. As every change of a
/// role, a key or an invite moves the revision, the guard covers the caller's own standing too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guard {
    accounts: Vec<(AccountId, Revision)>,
    cap: Option<Cap>,
}

/// What a workspace may have only so many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capped {
    /// Keys that are neither revoked nor expired by then.
    ApiKeys(Timestamp),
    /// Sessions that run.
    Sessions,
    Profiles,
}

/// No more than so many: what the store counts while it holds the account, and refuses where there is no room for one more.
///
/// Nothing that was counted before would do: of two who both saw room for one, both would take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    pub account: AccountId,
    pub of: Capped,
    pub most: u32,
}

impl Guard {
    /// For a record that depends on nothing that was there before.
    pub fn none() -> Self {
        Self::default()
    }

    pub fn seen(account: AccountId, revision: Revision) -> Self {
        Self { accounts: vec![(account, revision)], cap: None }
    }

    /// Adds another account. Of two revisions of one account the older one counts.
    #[must_use]
    pub fn and(mut self, account: AccountId, revision: Revision) -> Self {
        match self.accounts.iter_mut().find(|(id, _)| *id == account) {
            Some((_, seen)) => *seen = (*seen).min(revision),
            None => self.accounts.push((account, revision)),
        }
        // One order for everybody, so that two commits cannot wait for each other.
        self.accounts.sort_unstable();
        self
    }

    /// That of `by`, and room for one more on the workspace; of what has no cap there is always room.
    pub(crate) fn with_room<A>(by: &Permit<A>, of: Capped, most: Option<u32>) -> Self {
        Self::from(by).and_room(by.workspace(), of, most)
    }

    /// And room for one more on an account of the guard.
    #[must_use]
    pub(crate) fn and_room(self, account: AccountId, of: Capped, most: Option<u32>) -> Self {
        Self { cap: most.map(|most| Cap { account, of, most }), ..self }
    }

    /// Its account is one of [`Self::accounts`].
    pub fn cap(&self) -> Option<&Cap> {
        self.cap.as_ref()
    }

    /// Ascending by account: the order in which a store takes its locks.
    pub fn accounts(&self) -> &[(AccountId, Revision)] {
        &self.accounts
    }
}

/// Whatever the permit depends on. All of it is one account, but for somebody on the workspace of another, and for a key in a
/// member's hands: what is written with one holds the member's row too, so that it does not outlast the member's suspension.
impl<A> From<&Permit<A>> for Guard {
    fn from(permit: &Permit<A>) -> Self {
        let access = permit.access();
        Self::seen(access.account, access.account_revision)
            .and(access.workspace, access.workspace_revision)
            .and(access.hands, access.hands_revision)
    }
}

/// What is committed together with the rows of a change. Outside this crate none can be made without an audit entry.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Effects {
    pub audit: Vec<AuditDraft>,
    pub mails: Vec<OutgoingMail>,
    /// What the webhook endpoints of an account are told.
    pub events: Vec<Event>,
}

impl Effects {
    pub fn audited(draft: AuditDraft) -> Self {
        Self { audit: vec![draft], mails: Vec::new(), events: Vec::new() }
    }

    /// For what is itself a row and nothing that happened to an account: a challenge, a factor that waits.
    pub(crate) fn none() -> Self {
        Self { audit: Vec::new(), mails: Vec::new(), events: Vec::new() }
    }

    /// For what changes nothing of an account.
    pub(crate) fn unaudited(mail: OutgoingMail) -> Self {
        Self { audit: Vec::new(), mails: vec![mail], events: Vec::new() }
    }

    #[must_use]
    pub(crate) fn and_audited(mut self, draft: AuditDraft) -> Self {
        self.audit.push(draft);
        self
    }

    /// And all of these, behind one's own.
    #[must_use]
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.audit.extend(others.audit);
        self.mails.extend(others.mails);
        self.events.extend(others.events);
        self
    }

    #[must_use]
    pub fn mailed(mut self, mail: impl IntoIterator<Item = OutgoingMail>) -> Self {
        self.mails.extend(mail);
        self
    }

    #[must_use]
    pub(crate) fn announcing(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.events.extend(events);
        self
    }
}

/// A guard and the effects: what every record has besides its rows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Change {
    pub guard: Guard,
    pub effects: Effects,
    /// What is answered to whoever asks for the same again.
    pub answer: Option<KeptAnswer>,
}

impl Change {
    pub(crate) fn new(guard: impl Into<Guard>, effects: Effects) -> Self {
        Self { guard: guard.into(), effects, answer: None }
    }

    /// Whose business its mails are: the account on whose log the first entry is, or else the one that is guarded.
    pub fn about(&self) -> Option<AccountId> {
        let logged = self.effects.audit.first().map(|draft| draft.account);
        logged.or_else(|| self.guard.accounts().first().map(|(account, _)| *account))
    }

    #[must_use]
    pub(crate) fn keeping(self, answer: Option<KeptAnswer>) -> Self {
        Self { answer, ..self }
    }
}

/// A fact that is unique; the database decides who has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    Email,
    Slug,
    /// Of the profiles of one account.
    ProfileName,
}

/// Why a record was not committed. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something was committed since the decision: look, decide and commit afresh.
    #[error("decided on facts that have changed since")]
    Stale,
    #[error("{0:?} is taken")]
    Taken(Unique),
    /// There is no room for one more.
    #[error("there are {held} already")]
    Full { held: u32 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store could not answer. What was asked for did not happen.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Away or overloaded; a later try may succeed.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A stored value that no rule of this crate can have written.
    #[error("corrupt {column} in {table}: {problem}")]
    Corrupt { table: &'static str, column: &'static str, problem: String },
    /// The store refused in a way that the adapter does not know. For the log, never for a caller.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// An error that may be of the kind that goes away when the decision is made afresh.
pub trait MaybeStale {
    fn is_stale(&self) -> bool;
}

impl MaybeStale for CommitError {
    fn is_stale(&self) -> bool {
        matches!(self, Self::Stale)
    }
}

/// For the error of a use case that commits, which has a variant `Commit(CommitError)`.
macro_rules! commits {
    ($error:ident) => {
        impl From<$crate::change::StoreError> for $error {
            fn from(error: $crate::change::StoreError) -> Self {
                Self::Commit(error.into())
            }
        }

        impl $crate::change::MaybeStale for $error {
            fn is_stale(&self) -> bool {
                matches!(self, Self::Commit($crate::change::CommitError::Stale))
            }
        }
    };
}

pub(crate) use commits;

/// How often a decision is made at the most before the last error is passed on.
pub const MAX_ATTEMPTS: u32 = 12;

/// Runs `attempt` until its result is not stale, at most [`MAX_ATTEMPTS`] times, with a `pause` between two attempts.
///
/// An attempt must begin with looking (and with asking who is calling): that is what makes the next one different.
pub async fn again_if_stale<T, E: MaybeStale>(
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
    pause: impl AsyncFn(u32),
) -> Result<T, E> {
    for tries in 1..MAX_ATTEMPTS {
        match attempt().await {
            Err(error) if error.is_stale() => pause(tries).await,
            done => return done,
        }
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{Access, Credential},
        policy::ScopeSet,
        testing::people,
    };
    use rstest::rstest;
    use uuid::Uuid;

    fn account(n: u128) -> AccountId {
        AccountId::new(Uuid::from_u128(n))
    }

    /// Of one that is called by number 2, on the workspace of `on` and in the hands of `hands`, each as it was seen then.
    fn guard_of((on, seen_on): (u128, i64), (hands, seen_hands): (u128, i64)) -> Vec<(u128, i64)> {
        let at_home = Access::at_home(account(2), Credential::Session(people::SESSION), ScopeSet::EMPTY);
        let access = Access {
            account_revision: Revision(7),
            workspace: account(on),
            workspace_revision: Revision(seen_on),
            hands: account(hands),
            hands_revision: Revision(seen_hands),
            ..at_home
        };
        let guard = Guard::from(&Permit::<()>::unchecked(access));
        guard.accounts().iter().map(|(id, seen)| (id.uuid().as_u128(), seen.0)).collect()
    }

    #[rstest]
    #[case::at_home((2, 7), (2, 7), &[(2, 7)])]
    #[case::elsewhere((3, 9), (2, 7), &[(2, 7), (3, 9)])]
    #[case::in_a_members_hands((2, 7), (1, 5), &[(1, 5), (2, 7)])]
    fn a_permit_holds_everybody_it_depends_on(
        #[case] on: (u128, i64),
        #[case] hands: (u128, i64),
        #[case] held: &[(u128, i64)],
    ) {
        assert_eq!(guard_of(on, hands), held);
    }

    #[test]
    fn a_guard_is_in_the_order_of_locking_and_keeps_the_older_revision() {
        let guard = Guard::seen(account(2), Revision(7)).and(account(1), Revision(3)).and(account(2), Revision(5));
        assert_eq!(guard.accounts(), [(account(1), Revision(3)), (account(2), Revision(5))]);
    }

    #[tokio::test]
    async fn a_stale_attempt_is_made_afresh() {
        let mut tries = 0;
        let attempt = async || {
            tries += 1;
            if tries < 3 { Err(CommitError::Stale) } else { Ok(tries) }
        };
        assert_eq!(again_if_stale(attempt, async |_| ()).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn another_error_is_passed_on_at_once() {
        let mut tries = 0;
        let attempt = async || {
            tries += 1;
            Err::<(), _>(CommitError::Taken(Unique::Slug))
        };
        assert!(again_if_stale(attempt, async |_| ()).await.is_err());
        assert_eq!(tries, 1);
    }

    #[tokio::test]
    async fn nobody_tries_for_ever() {
        let mut tries = 0;
        let attempt = async || {
            tries += 1;
            Err::<(), _>(CommitError::Stale)
        };
        assert!(again_if_stale(attempt, async |_| ()).await.unwrap_err().is_stale());
        assert_eq!(tries, MAX_ATTEMPTS);
    }
}
