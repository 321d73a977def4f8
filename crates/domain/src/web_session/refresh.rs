//! Refreshing and ending sessions by their token.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::noun::{SESSION_LIFE, SessionClaims, SignedIn};
use super::port::{SeenSession, WebSessionStore};
use crate::{
    access::Credential,
    account::AccountStatus,
    audit::{Actor, AuditAction},
    change::{Change, CommitError, Effects, Guard, StoreError, commits},
    desk::Desk,
    id::WebSessionId,
    secret::SessionTokens,
    time::Timestamp,
};

/// A session that moves to its next generation. The one commit without an audit entry: nothing of the account changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionRenewal {
    pub session: WebSessionId,
    pub from_generation: i32,
    pub to_generation: i32,
    pub at: Timestamp,
    pub expires_at: Timestamp,
}

/// A session that ends, and with it every token of its family.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SessionEnd {
    pub session: WebSessionId,
    pub at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    #[error("this session is not valid any more; sign in again")]
    SessionOver,
    #[error("this account is suspended; contact support")]
    AccountSuspended,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(RefreshError);

/// Sessions: by the token that somebody shows, and as their holder sees them.
pub struct WebSessions {
    pub(super) store: Arc<dyn WebSessionStore>,
    tokens: Arc<dyn SessionTokens>,
    pub(super) desk: Desk,
}

impl SeenSession {
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.expires_at > now && self.status != AccountStatus::Deleted
    }
}

impl WebSessions {
    pub fn new(store: Arc<dyn WebSessionStore>, tokens: Arc<dyn SessionTokens>, desk: Desk) -> Self {
        Self { store, tokens, desk }
    }

    /// Exchanges a token for the next one of its family. The old one is dead at once, and showing it here again means that two
    /// parties hold the family: the session ends for both.
    pub async fn refresh(&self, token: &SecretString) -> Result<SignedIn, RefreshError> {
        let (claims, seen) = self.look_up(token).await?.ok_or(RefreshError::SessionOver)?;
        let now = self.desk.now();
        if !seen.is_live(now) {
            return Err(RefreshError::SessionOver);
        }
        if seen.status == AccountStatus::Suspended {
            return Err(RefreshError::AccountSuspended);
        }
        if claims.generation != seen.generation {
            self.end(&seen, AuditAction::WebSessionRevoked, Some("refresh_token_replayed")).await?;
            return Err(RefreshError::SessionOver);
        }
        let next = SessionClaims {
            generation: seen.generation.saturating_add(1),
            expires_at: now.plus(SESSION_LIFE),
            ..claims
        };
        let it = SessionRenewal {
            session: seen.id,
            from_generation: seen.generation,
            to_generation: next.generation,
            at: now,
            expires_at: next.expires_at,
        };
        self.store.commit_renewal(&it).await?;
        Ok(SignedIn { token: self.tokens.seal(&next), expires_at: next.expires_at, account: next.account })
    }

    /// Ends the session of a token. A token of no live session is none that needs ending.
    pub async fn log_out(&self, token: &SecretString) -> Result<(), CommitError> {
        match self.look_up(token).await? {
            Some((_, seen)) if seen.is_live(self.desk.now()) => self.end(&seen, AuditAction::LoggedOut, None).await,
            _ => Ok(()),
        }
    }

    async fn look_up(&self, token: &SecretString) -> Result<Option<(SessionClaims, SeenSession)>, StoreError> {
        let Ok(claims) = self.tokens.open(token.expose_secret()) else { return Ok(None) };
        let seen = self.store.seen_session(claims.session).await?;
        Ok(seen.map(|seen| (claims, seen)))
    }

    async fn end(&self, seen: &SeenSession, action: AuditAction, reason: Option<&str>) -> Result<(), CommitError> {
        let actor = Actor::Customer { account: seen.account, credential: Some(Credential::Session(seen.id)) };
        let mut entry = self.desk.audit_as(actor, seen.account, action).on(seen.id);
        if let Some(reason) = reason {
            entry = entry.with("reason", reason);
        }
        let change = Change::new(Guard::seen(seen.account, seen.revision), Effects::audited(entry));
        self.store.commit_end(&SessionEnd { session: seen.id, at: self.desk.now(), change }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::Revision,
        secret::MockSessionTokens,
        testing::{desk, people},
        web_session::port::MockWebSessionStore,
    };
    use rstest::rstest;

    fn seen(generation: i32) -> SeenSession {
        SeenSession {
            id: people::SESSION,
            account: people::OLIVE,
            status: AccountStatus::Active,
            revision: Revision(2),
            generation,
            expires_at: people::LATER,
            ended_at: None,
        }
    }

    fn store(seen: SeenSession) -> MockWebSessionStore {
        let mut store = MockWebSessionStore::new();
        store.expect_seen_session().returning(move |_| Ok(Some(seen)));
        store
    }

    /// Every token is one of generation 3.
    fn sessions(store: MockWebSessionStore) -> WebSessions {
        let mut tokens = MockSessionTokens::new();
        tokens.expect_open().returning(|_| {
            Ok(SessionClaims {
                session: people::SESSION,
                account: people::OLIVE,
                generation: 3,
                expires_at: people::LATER,
            })
        });
        tokens.expect_seal().returning(|claims| format!("generation {}", claims.generation).into());
        WebSessions::new(Arc::new(store), Arc::new(tokens), desk())
    }

    #[tokio::test]
    async fn the_newest_token_is_exchanged_for_the_next_generation() {
        let mut store = store(seen(3));
        store
            .expect_commit_renewal()
            .times(1)
            .withf(|it| (it.from_generation, it.to_generation) == (3, 4))
            .returning(|_| Ok(()));
        let signed_in = sessions(store).refresh(&"token".into()).await.unwrap();
        assert_eq!(signed_in.token.expose_secret(), "generation 4");
        assert_eq!(signed_in.expires_at, people::NOW.plus(SESSION_LIFE));
    }

    #[tokio::test]
    async fn a_replayed_token_ends_the_family() {
        let mut store = store(seen(4));
        store
            .expect_commit_end()
            .times(1)
            .withf(|it| it.change.effects.audit[0].action == AuditAction::WebSessionRevoked)
            .returning(|_| Ok(()));
        assert!(matches!(sessions(store).refresh(&"token".into()).await, Err(RefreshError::SessionOver)));
    }

    #[rstest]
    #[case::ended(SeenSession { ended_at: Some(people::NOW), ..seen(3) })]
    #[case::expired(SeenSession { expires_at: people::NOW, ..seen(3) })]
    #[case::deleted_account(SeenSession { status: AccountStatus::Deleted, ..seen(3) })]
    #[tokio::test]
    async fn a_session_that_is_over_is_neither_refreshed_nor_ended_again(#[case] seen: SeenSession) {
        assert!(matches!(sessions(store(seen)).refresh(&"token".into()).await, Err(RefreshError::SessionOver)));
        assert!(sessions(store(seen)).log_out(&"token".into()).await.is_ok());
    }

    #[tokio::test]
    async fn logging_out_is_on_the_log() {
        let mut store = store(seen(3));
        store
            .expect_commit_end()
            .times(1)
            .withf(|it| it.change.effects.audit[0].action == AuditAction::LoggedOut)
            .returning(|_| Ok(()));
        assert!(sessions(store).log_out(&"token".into()).await.is_ok());
    }
}
