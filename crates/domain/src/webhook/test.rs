//! Sending an endpoint something to try it with.

use super::{
    Webhooks,
    event::{EventData, EventType},
};
use crate::{
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::{DeliveryId, EndpointId, EventId},
    idempotency::Creation,
    policy::action::TestEndpoint,
};

/// An event for one endpoint, whatever it is subscribed to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TestPing {
    pub change: Change,
}

/// What is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    pub delivery: DeliveryId,
    pub event: EventId,
    pub kind: EventType,
}

#[derive(Debug, thiserror::Error)]
pub enum TestError {
    #[error("no such webhook endpoint")]
    NotFound,
    #[error("this endpoint is deleted; register another one")]
    Deleted,
    #[error("this endpoint is paused; resume it first")]
    Paused,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(TestError);

impl Webhooks {
    pub async fn test<'a>(
        &self,
        by: impl Into<Creation<'a, TestEndpoint, Ping>>,
        id: EndpointId,
    ) -> Result<Ping, TestError> {
        let by = by.into();
        let seen = self.store.seen_endpoint(by.workspace(), id).await?.ok_or(TestError::NotFound)?;
        if seen.disabled_at.is_some() {
            return Err(TestError::Deleted);
        }
        if !seen.active {
            return Err(TestError::Paused);
        }
        let mut data = EventData::new();
        data.insert("webhook_id".into(), id.to_string().into());
        let event = self.desk.event(by.workspace(), EventType::TestPing, data).only_to(id);
        let delivery = event.deliveries.first().copied().unwrap_or_else(|| DeliveryId::new(self.desk.ids.next()));
        let ping = Ping { delivery, event: event.id, kind: event.kind };
        let entry = self.desk.audit(&by, AuditAction::EndpointTested).on(id);
        let effects = Effects::audited(entry).announcing([event]);
        let change = Change::new(&*by, effects).keeping(by.answer(&self.desk, &ping));
        self.store.commit_test_ping(&TestPing { change }).await?;
        Ok(ping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{desk, people},
        webhook::{Endpoint, MockWebhookStore, Reach},
    };
    use rstest::rstest;
    use std::sync::Arc;

    async fn test(seen: Endpoint, commits: usize) -> Result<Ping, TestError> {
        let mut store = MockWebhookStore::new();
        store.expect_seen_endpoint().returning(move |_, _| Ok(Some(seen.clone())));
        store
            .expect_commit_test_ping()
            .times(commits)
            .withf(|it| it.change.effects.events[0].to == Some(people::endpoint().id))
            .returning(|_| Ok(()));
        Webhooks::new(Arc::new(store), Reach::Public, desk()).test(&people::permit(), people::endpoint().id).await
    }

    #[tokio::test]
    async fn a_ping_is_for_one_endpoint() {
        assert_eq!(test(people::endpoint(), 1).await.unwrap().kind, EventType::TestPing);
    }

    #[rstest]
    #[case::paused(Endpoint { active: false, ..people::endpoint() }, "this endpoint is paused; resume it first")]
    #[case::deleted(Endpoint { disabled_at: Some(people::NOW), ..people::endpoint() }, "this endpoint is deleted; register another one")]
    #[tokio::test]
    async fn who_is_told_nothing_is_not_tested(#[case] endpoint: Endpoint, #[case] why: &str) {
        assert_eq!(test(endpoint, 0).await.unwrap_err().to_string(), why);
    }
}
