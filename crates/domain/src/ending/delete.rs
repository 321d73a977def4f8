//! Deleting one's own account.

use std::sync::Arc;

use super::{
    noun::{Departure, GRACE, SeenEnding},
    port::EndingStore,
};
use crate::{
    access::Permit,
    account::AccountStatus,
    audit::AuditAction,
    change::{Change, CommitError, Effects, Guard, StoreError},
    desk::Desk,
    id::{AccountId, ApiKeyId},
    mail::MailContent,
    policy::action::DeleteAccount,
    session::EndedSession,
    time::Timestamp,
};

/// An account that its holder has deleted, and everything that ends with it at once.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Deletion {
    pub account: AccountId,
    pub departures: Vec<Departure>,
    /// Every key on it that is not revoked yet.
    pub keys: Vec<ApiKeyId>,
    pub sessions: Vec<EndedSession>,
    pub at: Timestamp,
    pub purge_at: Timestamp,
    pub change: Change,
}

/// Ends accounts at the wish of their holders.
pub struct Endings {
    store: Arc<dyn EndingStore>,
    desk: Desk,
}

impl Endings {
    pub fn new(store: Arc<dyn EndingStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    /// From the next request on nobody gets in. Deleting twice is deleting once.
    pub async fn delete(&self, by: &Permit<DeleteAccount>) -> Result<(), CommitError> {
        let seen = self.store.seen_ending(by.workspace()).await?;
        let seen = seen.ok_or_else(|| StoreError::Failed("a caller's account is missing".to_owned()))?;
        if seen.status == AccountStatus::Deleted {
            return Ok(());
        }
        self.store.commit_deletion(&self.deletion(by, seen)).await
    }

    fn deletion(&self, by: &Permit<DeleteAccount>, seen: SeenEnding) -> Deletion {
        let (account, at) = (by.workspace(), self.desk.now());
        let purge_at = at.plus(GRACE);
        let entry = self.desk.audit(by, AuditAction::DeletionRequested).on(account);
        let listed: Vec<String> = seen.keys.iter().map(ToString::to_string).collect();
        let entry = entry.with("purge_at", purge_at.to_string()).with("revoked_api_keys", listed);
        // The endpoints of the account stay as they are, and are told too: they come back with it.
        let revoked = seen.keys.iter().map(|key| self.desk.key_revoked(account, by.actor(), *key, "account_deleted"));
        let mut effects = Effects::audited(entry).announcing(revoked);
        let mut guard = Guard::from(by);
        for Departure { membership, owner_revision, keys } in &seen.departures {
            effects = effects.and(self.desk.membership_ended(membership, keys, by.actor(), true));
            guard = guard.and(membership.owner, *owner_revision);
        }
        let mut sessions = Vec::new();
        for session in &seen.running {
            let ended = session.end(at);
            let entry = session.describe(self.desk.audit(by, AuditAction::SessionDestroyed));
            let completed = self.desk.session_completed(session, &ended, by.actor());
            effects = effects.and_audited(entry).announcing([completed]);
            sessions.push(ended);
        }
        let mail = self.desk.mail(seen.email.clone(), MailContent::AccountDeleted { purge_at });
        let change = Change::new(guard, effects.mailed([mail]));
        let SeenEnding { departures, keys, .. } = seen;
        Deletion { account, departures, keys, sessions, at, purge_at, change }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::Revision,
        ending::port::MockEndingStore,
        testing::{desk, people},
        webhook::EventType,
    };

    fn seen(status: AccountStatus) -> SeenEnding {
        let departure = Departure {
            membership: people::seen_membership().membership,
            owner_revision: Revision(5),
            keys: vec![ApiKeyId::new(people::uuid(0x40))],
        };
        SeenEnding {
            email: people::email("ada@example.com"),
            status,
            departures: vec![departure],
            keys: vec![ApiKeyId::new(people::uuid(0x41)), ApiKeyId::new(people::uuid(0x42))],
            running: vec![people::session()],
        }
    }

    fn store(status: AccountStatus) -> MockEndingStore {
        let mut store = MockEndingStore::new();
        store.expect_seen_ending().returning(move |_| Ok(Some(seen(status))));
        store
    }

    #[tokio::test]
    async fn a_deletion_is_on_every_log_that_it_concerns_and_its_holder_is_told() {
        let mut store = store(AccountStatus::Active);
        store
            .expect_commit_deletion()
            .times(1)
            .withf(|it| {
                let Effects { audit, mails, events, .. } = &it.change.effects;
                let ([own, owners, session], [mail]) = (&audit[..], &mails[..]) else { return false };
                let told = events.iter().map(|event| (event.account, event.kind, event.data.get("reason").cloned()));
                let purge_at = people::NOW.plus(GRACE);
                (it.account, it.purge_at, it.departures.len()) == (people::ADA, purge_at, 1)
                    && (own.account, own.action) == (people::ADA, AuditAction::DeletionRequested)
                    && own.payload["purge_at"] == purge_at.to_string()
                    && own.payload["revoked_api_keys"].as_array().is_some_and(|keys| keys.len() == 2)
                    && told.eq([
                        (people::ADA, EventType::KeyRevoked, Some("account_deleted".into())),
                        (people::ADA, EventType::KeyRevoked, Some("account_deleted".into())),
                        (people::OLIVE, EventType::MemberRemoved, None),
                        (people::OLIVE, EventType::KeyRevoked, Some("member_removed".into())),
                        (people::session().account, EventType::SessionCompleted, None),
                    ])
                    && (owners.account, owners.action) == (people::OLIVE, AuditAction::MemberRemoved)
                    && owners.payload["left"] == true
                    && owners.payload["revoked_api_keys"].as_array().is_some_and(|keys| keys.len() == 1)
                    && session.action == AuditAction::SessionDestroyed
                    && it.sessions.iter().map(|ended| ended.session).eq([people::session().id])
                    && it.change.guard.accounts().contains(&(people::OLIVE, Revision(5)))
                    && it.change.guard.accounts().len() == 2
                    && mail.to == people::email("ada@example.com")
                    && mail.content == MailContent::AccountDeleted { purge_at }
                    && it.change.about() == Some(people::ADA)
            })
            .returning(|_| Ok(()));
        assert!(Endings::new(Arc::new(store), desk()).delete(&people::permit_of(people::ADA)).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_deleted_is_not_deleted_again() {
        let mut store = store(AccountStatus::Deleted);
        store.expect_commit_deletion().never();
        assert!(Endings::new(Arc::new(store), desk()).delete(&people::permit_of(people::ADA)).await.is_ok());
    }
}
