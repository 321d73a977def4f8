//! Revoking a key.

use super::ApiKeys;
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::ApiKeyId,
    policy::action::RevokeKey,
    time::Timestamp,
};

/// A key that stops working.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KeyRevocation {
    pub key: ApiKeyId,
    pub at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum RevokeKeyError {
    #[error("no such key")]
    NotFound,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(RevokeKeyError);

impl ApiKeys {
    /// The very next request with the key is refused. Revoking it twice is revoking it once.
    pub async fn revoke(&self, by: &Permit<RevokeKey>, id: ApiKeyId) -> Result<(), RevokeKeyError> {
        let key = self.store.seen_key(by.workspace(), id).await?.ok_or(RevokeKeyError::NotFound)?;
        if key.revoked_at.is_some() {
            return Ok(());
        }
        let entry = self.desk.audit(by, AuditAction::KeyRevoked).on(id);
        let entry = entry.with_personal(&self.desk, "name", key.name.as_str());
        let revoked = self.desk.key_revoked(by.workspace(), by.actor(), id, "revoked");
        let change = Change::new(by, Effects::audited(entry).announcing([revoked]));
        let it = KeyRevocation { key: id, at: self.desk.now(), change };
        Ok(self.store.commit_key_revocation(&it).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api_key::{ApiKey, port::MockApiKeyStore},
        policy::ScopeSet,
        secret::ApiKeySecret,
        testing::{desk, people},
    };
    use std::sync::Arc;

    #[tokio::test]
    async fn a_key_is_revoked_once() {
        for (revoked_at, commits) in [(None, 1), (Some(people::EARLIER), 0)] {
            let secret = ApiKeySecret::generate(desk().secrets.as_ref());
            let key = ApiKey::new(&desk(), people::OLIVE, people::name("ci"), &secret, ScopeSet::EMPTY, None);
            let mut store = MockApiKeyStore::new();
            store.expect_seen_key().returning(move |_, _| Ok(Some(ApiKey { revoked_at, ..key.clone() })));
            store
                .expect_commit_key_revocation()
                .times(commits)
                .withf(|it| {
                    let [event] = &it.change.effects.events[..] else { return false };
                    (event.account, event.kind.as_str()) == (people::OLIVE, "api_key.revoked")
                })
                .returning(|_| Ok(()));
            let keys = ApiKeys::new(Arc::new(store), desk());
            assert!(keys.revoke(&people::permit(), ApiKeyId::new(people::uuid(1))).await.is_ok());
        }
    }

    #[tokio::test]
    async fn an_unknown_key_is_not_found() {
        let mut store = MockApiKeyStore::new();
        store.expect_seen_key().returning(|_, _| Ok(None));
        let keys = ApiKeys::new(Arc::new(store), desk());
        let refused = keys.revoke(&people::permit(), ApiKeyId::new(people::uuid(1))).await;
        assert!(matches!(refused, Err(RevokeKeyError::NotFound)));
    }
}
