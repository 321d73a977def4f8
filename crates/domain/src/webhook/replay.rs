//! Delivering an event again.

use super::{
    Webhooks,
    delivery::{Delivery, DeliveryStatus},
};
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::DeliveryId,
    policy::action::ReplayDelivery,
};

/// A delivery that waits again, and the status that it was seen in.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Replay {
    pub delivery: Delivery,
    pub seen: DeliveryStatus,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("no such webhook delivery")]
    NotFound,
    #[error("its endpoint is deleted; nothing is delivered there any more")]
    EndpointDeleted,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(ReplayError);

impl Webhooks {
    /// With the whole schedule before it, under the same ids. What waits for its first attempt, or is being sent, stays as it is.
    pub async fn replay(&self, by: &Permit<ReplayDelivery>, id: DeliveryId) -> Result<Delivery, ReplayError> {
        let found = self.store.seen_delivery(by.workspace(), id).await?;
        let (delivery, endpoint) = found.ok_or(ReplayError::NotFound)?;
        if endpoint.disabled_at.is_some() {
            return Err(ReplayError::EndpointDeleted);
        }
        let seen = delivery.status;
        match seen {
            DeliveryStatus::Pending | DeliveryStatus::InFlight => return Ok(delivery),
            DeliveryStatus::Delivered | DeliveryStatus::Failed | DeliveryStatus::Dlq => {}
        }
        let entry = self
            .desk
            .audit(by, AuditAction::DeliveryReplayed)
            .on(id)
            .with("webhook_id", endpoint.id.to_string())
            .with("event_id", delivery.event.to_string())
            .with("from", seen.as_str());
        let change = Change::new(by, Effects::audited(entry));
        let it = Replay { delivery: delivery.reset(self.desk.now()), seen, change };
        self.store.commit_replay(&it).await?;
        Ok(it.delivery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::EndpointId,
        testing::{desk, people},
        webhook::{Endpoint, EventData, EventType, MockWebhookStore, Reach},
    };
    use rstest::rstest;
    use std::sync::Arc;

    async fn replay(status: DeliveryStatus, endpoint: Endpoint, commits: usize) -> Result<Delivery, ReplayError> {
        let event = desk().event(people::OLIVE, EventType::KeyRevoked, EventData::new());
        let waiting = event.delivery(event.deliveries[0], EndpointId::new(people::uuid(1)), 1);
        let delivery = Delivery {
            status,
            attempts: 6,
            settled_at: Some(people::EARLIER),
            waiting_since: people::EARLIER,
            ..waiting
        };
        let mut store = MockWebhookStore::new();
        store.expect_seen_delivery().returning(move |_, _| Ok(Some((delivery.clone(), endpoint.clone()))));
        store.expect_commit_replay().times(commits).withf(move |it| it.seen == status).returning(|_| Ok(()));
        let webhooks = Webhooks::new(Arc::new(store), Reach::Public, desk());
        webhooks.replay(&people::permit(), DeliveryId::new(people::uuid(1))).await
    }

    #[rstest]
    #[case(DeliveryStatus::Delivered)]
    #[case(DeliveryStatus::Failed)]
    #[case(DeliveryStatus::Dlq)]
    #[tokio::test]
    async fn what_is_over_begins_again(#[case] status: DeliveryStatus) {
        let delivery = replay(status, people::endpoint(), 1).await.unwrap();
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Pending, 0));
        assert_eq!((delivery.next_attempt_at, delivery.settled_at), (people::NOW, None));
        assert_eq!(delivery.waiting_since, people::NOW, "it has all its time again");
    }

    #[rstest]
    #[case(DeliveryStatus::Pending)]
    #[case(DeliveryStatus::InFlight)]
    #[tokio::test]
    async fn what_is_on_its_way_is_left_alone(#[case] status: DeliveryStatus) {
        assert_eq!(replay(status, people::endpoint(), 0).await.unwrap().status, status);
    }

    #[tokio::test]
    async fn nothing_is_delivered_where_nobody_is() {
        let gone = Endpoint { disabled_at: Some(people::NOW), ..people::endpoint() };
        assert!(matches!(replay(DeliveryStatus::Dlq, gone, 0).await, Err(ReplayError::EndpointDeleted)));
    }
}
