//! Deleting an endpoint.

use super::{Webhooks, delivery::ENDPOINT_GONE};
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::EndpointId,
    policy::action::DeleteEndpoint,
    time::Timestamp,
};

/// An endpoint that is told nothing any more. Its row stays, so that what was delivered to it can be looked up.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EndpointRemoval {
    pub endpoint: EndpointId,
    pub at: Timestamp,
    /// What is noted on the deliveries that are given up with it.
    pub why: &'static str,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum RemoveEndpointError {
    #[error("no such webhook endpoint")]
    NotFound,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(RemoveEndpointError);

impl Webhooks {
    /// Deleting one twice is deleting it once.
    pub async fn remove(&self, by: &Permit<DeleteEndpoint>, id: EndpointId) -> Result<(), RemoveEndpointError> {
        let seen = self.store.seen_endpoint(by.workspace(), id).await?.ok_or(RemoveEndpointError::NotFound)?;
        if seen.disabled_at.is_some() {
            return Ok(());
        }
        let entry = seen.describe(&self.desk, self.desk.audit(by, AuditAction::EndpointDeleted));
        let change = Change::new(by, Effects::audited(entry));
        let it = EndpointRemoval { endpoint: id, at: self.desk.now(), why: ENDPOINT_GONE, change };
        Ok(self.store.commit_endpoint_removal(&it).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{desk, people},
        webhook::{Endpoint, MockWebhookStore, Reach},
    };
    use std::sync::Arc;

    #[tokio::test]
    async fn an_endpoint_is_deleted_once() {
        for (disabled_at, commits) in [(None, 1), (Some(people::EARLIER), 0)] {
            let mut store = MockWebhookStore::new();
            store
                .expect_seen_endpoint()
                .returning(move |_, _| Ok(Some(Endpoint { disabled_at, ..people::endpoint() })));
            store.expect_commit_endpoint_removal().times(commits).returning(|_| Ok(()));
            let webhooks = Webhooks::new(Arc::new(store), Reach::Public, desk());
            assert!(webhooks.remove(&people::permit(), people::endpoint().id).await.is_ok());
        }
    }
}
