//! Ending a session. Deleting the account ends those that run in the same way; nothing here can fail by itself.

use super::{Session, Sessions};
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::SessionId,
    policy::action::DestroySession,
    time::Timestamp,
    usage::{DayMinutes, minutes_by_day},
};

/// A session that ends, and the minutes that it has lasted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndedSession {
    pub session: SessionId,
    pub at: Timestamp,
    pub minutes: Vec<DayMinutes>,
}

/// The end of one session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SessionDestruction {
    pub ended: EndedSession,
    pub change: Change,
}

impl Session {
    pub(crate) fn end(&self, at: Timestamp) -> EndedSession {
        EndedSession { session: self.id, at, minutes: minutes_by_day(self.created_at, at) }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DestroySessionError {
    /// Also one of somebody else.
    #[error("no such session")]
    NotFound,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(DestroySessionError);

impl Sessions {
    /// Ending it twice is ending it once.
    pub async fn destroy(&self, by: &Permit<DestroySession>, id: SessionId) -> Result<(), DestroySessionError> {
        let session = self.store.session(by.workspace(), id).await?.ok_or(DestroySessionError::NotFound)?;
        if session.destroyed_at.is_some() {
            return Ok(());
        }
        let ended = session.end(self.desk.now());
        let entry = session.describe(self.desk.audit(by, AuditAction::SessionDestroyed));
        let completed = self.desk.session_completed(&session, &ended, by.actor());
        let it = SessionDestruction { ended, change: Change::new(by, Effects::audited(entry).announcing([completed])) };
        Ok(self.store.commit_session_destruction(&it).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        profile::MockProfileStore,
        session::{MockSessionStore, Session},
        testing::{desk, people},
        usage::Day,
        webhook::EventType,
    };
    use std::sync::Arc;

    fn sessions(store: MockSessionStore) -> Sessions {
        Sessions::new(Arc::new(store), Arc::new(MockProfileStore::new()), desk())
    }

    #[tokio::test]
    async fn a_session_ends_once() {
        for (destroyed_at, commits) in [(None, 1), (Some(people::NOW), 0)] {
            let session = Session { created_at: people::EARLIER, destroyed_at, ..people::session() };
            let mut store = MockSessionStore::new();
            store.expect_session().returning(move |_, _| Ok(Some(session.clone())));
            let an_hour = vec![DayMinutes { day: Day::of(people::NOW), minutes: 60 }];
            let expected = move |it: &SessionDestruction| {
                let Effects { audit, events, .. } = &it.change.effects;
                it.ended.minutes == an_hour
                    && (audit.len(), events.len()) == (1, 1)
                    && events[0].kind == EventType::SessionCompleted
            };
            store.expect_commit_session_destruction().times(commits).withf(expected).returning(|_| Ok(()));
            sessions(store).destroy(&people::permit(), people::session().id).await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_unknown_session_is_not_found() {
        let mut store = MockSessionStore::new();
        store.expect_session().returning(|_, _| Ok(None));
        let refused = sessions(store).destroy(&people::permit(), people::session().id).await;
        assert!(matches!(refused, Err(DestroySessionError::NotFound)));
    }
}
