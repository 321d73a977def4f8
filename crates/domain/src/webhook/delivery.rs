use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{event::Event, excerpt::Excerpt, port::CourierError};
use crate::{
    id::{DeliveryId, EndpointId, EventId},
    time::{DAY, MINUTE, Timestamp},
    webhook::EventType,
    word::words,
};

words! {
    /// Where a delivery stands.
    DeliveryStatus, DeliveryStatusError, "status of a delivery" {
        /// It waits for its first attempt.
        Pending = "pending",
        /// Somebody is sending it.
        InFlight = "in_flight",
        Delivered = "delivered",
        /// The last attempt failed; there will be another one.
        Failed = "failed",
        /// It was given up.
        Dlq = "dlq",
    }
}

impl DeliveryStatus {
    /// Whether nothing more will happen by itself.
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Delivered | Self::Dlq => true,
            Self::Pending | Self::InFlight | Self::Failed => false,
        }
    }
}

/// The pause before each attempt, after the one before it.
pub const SCHEDULE: [Duration; 6] = [
    Duration::ZERO,
    MINUTE,
    MINUTE.saturating_mul(5),
    MINUTE.saturating_mul(15),
    MINUTE.saturating_mul(30),
    MINUTE.saturating_mul(60),
];

pub const MAX_DELIVERY_ATTEMPTS: usize = SCHEDULE.len();

/// What has waited for so long, since its event or since it was replayed, is given up without a further attempt: it came faster
/// than its endpoint took it, or the endpoint was paused.
pub const MAX_WAIT: Duration = DAY.saturating_mul(3);

/// What is noted on it.
pub(super) const TOO_LATE: &str = "it could not be delivered within 3 days";

/// The pause after so many attempts that failed; `None` after the last one.
fn pause_after(attempts: u32) -> Option<Duration> {
    SCHEDULE.get(usize::try_from(attempts).unwrap_or(usize::MAX)).copied()
}

/// An event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    pub event: EventId,
    pub kind: EventType,
    /// 1 for the first event of an endpoint, then one more each, in the order in which they were committed.
    pub seq: i64,
    pub status: DeliveryStatus,
    pub attempts: u32,
    /// When the next attempt is due. When there is none: when the last one was.
    pub next_attempt_at: Timestamp,
    pub last_response_status: Option<u16>,
    pub last_response_excerpt: Option<Excerpt>,
    pub last_error: Option<String>,
    /// When it was delivered or given up.
    pub settled_at: Option<Timestamp>,
    /// When it was put back, if it was, and otherwise when it was made.
    pub waiting_since: Timestamp,
    pub created_at: Timestamp,
}

/// What became of an attempt: an answer with its status, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    Answered { status: u16, excerpt: Excerpt },
    Failed(CourierError),
}

impl Arrival {
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }
}

/// What an attempt, or the end of an endpoint, has made of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settling {
    pub id: DeliveryId,
    pub status: DeliveryStatus,
    pub attempts: u32,
    pub next_attempt_at: Timestamp,
    pub response_status: Option<u16>,
    pub response_excerpt: Option<Excerpt>,
    pub error: Option<String>,
    pub settled_at: Option<Timestamp>,
}

impl Settling {
    /// The rule of attempts: 2xx is success, everything else is tried again on the schedule.
    pub fn after(id: DeliveryId, attempts_before: u32, arrival: Arrival, at: Timestamp) -> Self {
        let attempts = attempts_before.saturating_add(1);
        let pause = pause_after(attempts);
        let (status, next_attempt_at) = match (arrival.is_success(), pause) {
            (true, _) => (DeliveryStatus::Delivered, at),
            (false, Some(pause)) => (DeliveryStatus::Failed, at.plus(pause)),
            (false, None) => (DeliveryStatus::Dlq, at),
        };
        let error = match &arrival {
            Arrival::Failed(error) => Some(error.to_string()),
            Arrival::Answered { status: 300..=399, .. } => {
                Some("it answered with a redirect; those are not followed".into())
            }
            Arrival::Answered { status, .. } if !arrival.is_success() => {
                Some(format!("it answered with status {status}"))
            }
            Arrival::Answered { .. } => None,
        };
        let (response_status, response_excerpt) = match arrival {
            Arrival::Answered { status, excerpt } => (Some(status), Some(excerpt)),
            Arrival::Failed(_) => (None, None),
        };
        let settled_at = status.is_settled().then_some(at);
        Self { id, status, attempts, next_attempt_at, response_status, response_excerpt, error, settled_at }
    }
}

/// Why what waits for an endpoint that is deleted is given up.
pub(super) const ENDPOINT_GONE: &str = "the endpoint was deleted";

impl Delivery {
    pub(super) fn waiting(id: DeliveryId, endpoint: EndpointId, seq: i64, event: &Event) -> Self {
        Self {
            id,
            endpoint,
            event: event.id,
            kind: event.kind,
            seq,
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: event.at,
            last_response_status: None,
            last_response_excerpt: None,
            last_error: None,
            settled_at: None,
            waiting_since: event.at,
            created_at: event.at,
        }
    }

    pub fn delivered_at(&self) -> Option<Timestamp> {
        self.settled_at.filter(|_| self.status == DeliveryStatus::Delivered)
    }

    /// As it waits for a first attempt again, with all attempts before it. What the last answer was stays to be seen.
    #[must_use]
    pub(super) fn reset(self, now: Timestamp) -> Self {
        let status = DeliveryStatus::Pending;
        Self { status, attempts: 0, next_attempt_at: now, settled_at: None, waiting_since: now, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::people;
    use rstest::rstest;

    fn answered(status: u16) -> Arrival {
        Arrival::Answered { status, excerpt: Excerpt::of(b"hello") }
    }

    fn after(attempts: u32, arrival: Arrival) -> Settling {
        Settling::after(DeliveryId::new(people::uuid(1)), attempts, arrival, people::NOW)
    }

    #[test]
    fn the_schedule_is_the_contracts() {
        assert_eq!(SCHEDULE.map(|pause| pause.as_secs() / 60), [0, 1, 5, 15, 30, 60]);
    }

    #[test]
    fn what_is_too_late_has_had_all_attempts_that_it_could() {
        assert!(MAX_WAIT > SCHEDULE.iter().sum::<Duration>() * 2);
        assert!(TOO_LATE.ends_with(&format!("{} days", MAX_WAIT.as_secs() / DAY.as_secs())));
    }

    #[rstest]
    #[case::first(0, DeliveryStatus::Failed, Some(1))]
    #[case::second(1, DeliveryStatus::Failed, Some(5))]
    #[case::third(2, DeliveryStatus::Failed, Some(15))]
    #[case::fourth(3, DeliveryStatus::Failed, Some(30))]
    #[case::fifth(4, DeliveryStatus::Failed, Some(60))]
    #[case::sixth(5, DeliveryStatus::Dlq, None)]
    fn what_fails_is_tried_six_times(
        #[case] attempts: u32,
        #[case] status: DeliveryStatus,
        #[case] minutes: Option<u32>,
    ) {
        for arrival in [answered(500), Arrival::Failed(CourierError::TimedOut)] {
            let it = after(attempts, arrival);
            assert_eq!((it.status, it.attempts), (status, attempts + 1));
            assert_eq!(it.next_attempt_at, people::NOW.plus(MINUTE * minutes.unwrap_or(0)));
            assert_eq!(it.settled_at, minutes.is_none().then_some(people::NOW));
            assert!(it.error.is_some());
        }
    }

    #[rstest]
    fn every_2xx_is_success(#[values(200, 201, 202, 204, 299)] status: u16, #[values(0, 5)] attempts: u32) {
        let it = after(attempts, answered(status));
        assert_eq!((it.status, it.settled_at, it.error), (DeliveryStatus::Delivered, Some(people::NOW), None));
        assert_eq!((it.response_status, it.response_excerpt), (Some(status), Some(Excerpt::of(b"hello"))));
    }

    #[rstest]
    fn nothing_else_is(#[values(100, 199, 300, 301, 302, 307, 308, 400, 404, 410, 429, 500, 503)] status: u16) {
        let it = after(0, answered(status));
        assert_eq!((it.status, it.response_status), (DeliveryStatus::Failed, Some(status)));
    }

    #[test]
    fn what_did_not_arrive_has_no_answer() {
        let it = after(0, Arrival::Failed(CourierError::NotPublic));
        assert_eq!((it.response_status, it.response_excerpt), (None, None));
    }
}
