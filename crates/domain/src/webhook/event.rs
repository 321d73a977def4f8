use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::delivery::Delivery;
use crate::{
    id::{AccountId, DeliveryId, EndpointId, EventId},
    time::Timestamp,
    word::words,
};

words! {
    /// What an endpoint can be told of. A word never changes its meaning; new ones may come.
    ///
    /// Published clients know the first nine and no other: an endpoint that has not asked for one of the rest never shows one.
    EventType, EventTypeError, "type of event" {
        SessionCompleted = "session.completed",
        SessionFailed = "session.failed",
        KeyRevoked = "api_key.revoked",
        SessionEgressChanged = "session.egress_capability_changed",
        OrderPaid = "crypto.order.paid",
        OrderFailed = "crypto.order.failed",
        SessionChallenged = "session.challenge_detected",
        ProfileSaveFailed = "session.profile_save_failed",
        /// Sent on request, whatever the subscription.
        TestPing = "test.ping",
        MemberAdded = "team.member_added",
        MemberRemoved = "team.member_removed",
        RoleChanged = "team.role_changed",
    }
}

/// What an endpoint wants to hear of: at least one type, each once, in the order of [`EventType::ALL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription(Vec<EventType>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    #[error("name at least one type of event")]
    Nothing,
    #[error("`test.ping` comes when it is asked for; nobody subscribes to it")]
    Ping,
}

impl Subscription {
    pub fn new(kinds: &[EventType]) -> Result<Self, SubscriptionError> {
        if kinds.contains(&EventType::TestPing) {
            return Err(SubscriptionError::Ping);
        }
        let wanted: Vec<EventType> = EventType::ALL.iter().copied().filter(|kind| kinds.contains(kind)).collect();
        if wanted.is_empty() { Err(SubscriptionError::Nothing) } else { Ok(Self(wanted)) }
    }

    pub fn wants(&self, kind: EventType) -> bool {
        self.0.contains(&kind)
    }

    pub fn kinds(&self) -> &[EventType] {
        &self.0
    }
}

/// Details of an event: a flat JSON object.
pub type EventData = Map<String, Value>;

/// Something that has happened on an account, for the endpoints that want to hear of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    pub id: EventId,
    pub account: AccountId,
    pub kind: EventType,
    pub at: Timestamp,
    pub data: EventData,
    /// Whose address the data has, where it is not the account's own: it is forgotten with them.
    pub about: Option<AccountId>,
    /// One endpoint, whatever it is subscribed to; `None`: those that are.
    pub to: Option<EndpointId>,
    /// An id for the delivery to each endpoint that there may be.
    pub deliveries: Vec<DeliveryId>,
}

impl Event {
    #[must_use]
    pub(super) fn only_to(mut self, endpoint: EndpointId) -> Self {
        self.to = Some(endpoint);
        self.deliveries.truncate(1);
        self
    }

    pub fn is_for(&self, endpoint: EndpointId, subscription: &Subscription) -> bool {
        self.to.map_or_else(|| subscription.wants(self.kind), |to| to == endpoint)
    }

    /// As it waits for its first attempt, the `seq`th of its endpoint.
    pub fn delivery(&self, id: DeliveryId, endpoint: EndpointId, seq: i64) -> Delivery {
        Delivery::waiting(id, endpoint, seq, self)
    }
}

/// An event as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: EventId,
    pub account: AccountId,
    pub kind: EventType,
    pub at: Timestamp,
    pub data: EventData,
}

impl Message {
    /// What is sent and signed: the same bytes with every attempt.
    pub fn body(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            id: EventId,
            r#type: EventType,
            account_id: AccountId,
            emitted_at: Timestamp,
            data: &'a EventData,
        }
        let Self { id, account, kind, at, data } = self;
        let body = Body { id: *id, r#type: *kind, account_id: *account, emitted_at: *at, data };
        // Every key is text and every value is JSON already.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{desk, people};
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::sorted_and_once(&[EventType::KeyRevoked, EventType::SessionFailed, EventType::KeyRevoked], Ok(vec![EventType::SessionFailed, EventType::KeyRevoked]))]
    #[case::nothing(&[], Err(SubscriptionError::Nothing))]
    #[case::ping(&[EventType::KeyRevoked, EventType::TestPing], Err(SubscriptionError::Ping))]
    fn a_subscription_is_a_set(#[case] kinds: &[EventType], #[case] set: Result<Vec<EventType>, SubscriptionError>) {
        assert_eq!(Subscription::new(kinds), set.map(Subscription));
    }

    #[test]
    fn an_event_is_for_those_who_want_it_or_for_one_alone() {
        let (one, two) = (EndpointId::new(people::uuid(1)), EndpointId::new(people::uuid(2)));
        let keys = Subscription::new(&[EventType::KeyRevoked]).unwrap();
        let revoked = desk().event(people::OLIVE, EventType::KeyRevoked, EventData::new());
        let role = desk().event(people::OLIVE, EventType::RoleChanged, EventData::new());
        assert!(revoked.is_for(one, &keys) && !role.is_for(one, &keys));
        let ping = desk().event(people::OLIVE, EventType::TestPing, EventData::new()).only_to(two);
        assert!(ping.is_for(two, &keys) && !ping.is_for(one, &keys));
    }

    #[test]
    fn the_body_is_the_contracts() {
        let message = Message {
            id: EventId::new(people::uuid(1)),
            account: people::OLIVE,
            kind: EventType::KeyRevoked,
            at: people::NOW,
            data: json!({ "api_key_id": "key_1" }).as_object().unwrap().clone(),
        };
        assert_eq!(
            message.body(),
            r#"{"id":"0192f0c1-2345-7000-8000-000000000001","type":"api_key.revoked","account_id":"acc_0192f0c1-2345-7000-8000-00000000000a","emitted_at":"2026-05-12T13:00:00.000Z","data":{"api_key_id":"key_1"}}"#
        );
    }
}
