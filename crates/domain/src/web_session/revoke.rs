//! Looking at one's sign-ins, and ending them.

use super::{
    noun::LiveSession,
    port::SeenSession,
    refresh::{SessionEnd, WebSessions},
};
use crate::{
    access::{Credential, Permit},
    audit::AuditAction,
    change::{Change, CommitError, Effects, StoreError, commits},
    id::{AccountId, WebSessionId},
    page::{Page, PageRequest},
    policy::action::{ListSessions, RevokeOtherSessions, RevokeSession},
    time::Timestamp,
};

/// Every live session of an account ends, but for one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OtherSessionsEnd {
    pub account: AccountId,
    pub kept: WebSessionId,
    pub at: Timestamp,
    /// How many there are to end.
    pub others: u32,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum RevokeSessionError {
    #[error("no such sign-in")]
    NotFound,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(RevokeSessionError);

impl WebSessions {
    /// The live sign-ins of the calling account, newest first.
    pub async fn list(&self, by: &Permit<ListSessions>, page: PageRequest) -> Result<Page<LiveSession>, StoreError> {
        self.store.live_sessions(by.workspace(), self.desk.now(), page).await
    }

    /// The very next request with its token is refused. Ending a sign-in that is over is no change.
    pub async fn revoke(&self, by: &Permit<RevokeSession>, id: WebSessionId) -> Result<(), RevokeSessionError> {
        let seen = self.store.seen_session(id).await?.filter(|seen| seen.account == by.workspace());
        let seen: SeenSession = seen.ok_or(RevokeSessionError::NotFound)?;
        if !seen.is_live(self.desk.now()) {
            return Ok(());
        }
        let entry = self.desk.audit(by, AuditAction::WebSessionRevoked).on(id);
        let change = Change::new(by, Effects::audited(entry));
        Ok(self.store.commit_end(&SessionEnd { session: id, at: self.desk.now(), change }).await?)
    }

    /// Ends every sign-in but the calling one; answers how many there were.
    pub async fn revoke_others(&self, by: &Permit<RevokeOtherSessions>) -> Result<u32, CommitError> {
        // The policy lets nobody in here but a session, and a key that got in all the same would have none to keep.
        let Credential::Session(kept) = by.access().credential else { return Ok(0) };
        let now = self.desk.now();
        let others = self.store.count_others(by.workspace(), kept, now).await?;
        if others == 0 {
            return Ok(0);
        }
        let entry = self.desk.audit(by, AuditAction::WebSessionRevoked).on(by.workspace());
        let entry = entry.with("reason", "all_others").with("revoked", others);
        let change = Change::new(by, Effects::audited(entry));
        let it = OtherSessionsEnd { account: by.workspace(), kept, at: now, others, change };
        self.store.commit_others_end(&it).await?;
        Ok(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::AccountStatus,
        change::Revision,
        secret::MockSessionTokens,
        testing::{desk, people},
        web_session::port::MockWebSessionStore,
    };
    use rstest::rstest;
    use std::sync::Arc;

    fn sessions(store: MockWebSessionStore) -> WebSessions {
        WebSessions::new(Arc::new(store), Arc::new(MockSessionTokens::new()), desk())
    }

    fn seen() -> SeenSession {
        SeenSession {
            id: people::SESSION,
            account: people::OLIVE,
            status: AccountStatus::Active,
            revision: Revision(2),
            generation: 1,
            expires_at: people::LATER,
            ended_at: None,
        }
    }

    #[rstest]
    #[case::live(seen(), 1)]
    #[case::ended(SeenSession { ended_at: Some(people::EARLIER), ..seen() }, 0)]
    #[case::expired(SeenSession { expires_at: people::NOW, ..seen() }, 0)]
    #[tokio::test]
    async fn only_a_live_session_is_ended(#[case] seen: SeenSession, #[case] commits: usize) {
        let mut store = MockWebSessionStore::new();
        store.expect_seen_session().returning(move |_| Ok(Some(seen)));
        store
            .expect_commit_end()
            .times(commits)
            .withf(|it| it.change.effects.audit[0].action == AuditAction::WebSessionRevoked)
            .returning(|_| Ok(()));
        assert!(sessions(store).revoke(&people::permit(), people::SESSION).await.is_ok());
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::of_somebody_else(Some(SeenSession { account: people::ADA, ..seen() }))]
    #[tokio::test]
    async fn another_session_is_not_found(#[case] seen: Option<SeenSession>) {
        let mut store = MockWebSessionStore::new();
        store.expect_seen_session().returning(move |_| Ok(seen));
        let refused = sessions(store).revoke(&people::permit(), people::SESSION).await;
        assert!(matches!(refused, Err(RevokeSessionError::NotFound)));
    }

    #[tokio::test]
    async fn the_calling_session_is_kept() {
        for (others, commits) in [(3, 1), (0, 0)] {
            let mut store = MockWebSessionStore::new();
            store.expect_count_others().returning(move |_, _, _| Ok(others));
            store
                .expect_commit_others_end()
                .times(commits)
                .withf(|it| it.kept == people::SESSION && it.others == 3)
                .returning(|_| Ok(()));
            assert_eq!(sessions(store).revoke_others(&people::permit()).await.unwrap(), others);
        }
    }
}
