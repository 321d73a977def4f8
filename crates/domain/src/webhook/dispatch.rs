//! Delivering what waits.

use std::{sync::Arc, time::Duration};

use super::{
    delivery::{Arrival, DeliveryStatus, MAX_WAIT, Settling, TOO_LATE},
    endpoint::{Endpoint, SharedSecret, Tally, WebhookSecret},
    event::Message,
    excerpt::Excerpt,
    port::{Claim, Claimed, Courier, CourierError, DeliveryQueue, Marks, NotHanded, Parcel},
    signing::sign,
};
use crate::{
    change::StoreError,
    desk::Desk,
    id::LeaseId,
    secret::UnsealError,
    time::{DAY, MINUTE, Timestamp},
};

/// For so long nobody else delivers to an endpoint that somebody delivers to: longer than [`STINT`], one attempt more, and the
/// notes on it can take.
const LEASE: Duration = MINUTE;
/// After so long the next endpoint has its turn; an attempt that has begun is brought to its end. There is time for two that get
/// no answer, a retry and a first attempt, and for the notes between them.
const STINT: Duration = Duration::from_secs(12);
/// Deliveries in one claim.
const BATCH: u16 = 100;
/// So many attempts are noted in one transaction; as many may be made again after a crash.
const MARKED_AT_ONCE: usize = 32;
/// An attempt is noted after so long, also when there were few.
const MARKED_AFTER: Duration = Duration::from_secs(1);
/// An endpoint that could not be asked is due again after so long: what takes the room here is mostly over by then.
const PUT_OFF_FOR: Duration = Duration::from_secs(30);
/// What is settled is forgotten after so long, and so is an endpoint that was deleted.
const KEPT_FOR: Duration = DAY.saturating_mul(30);
/// Deliveries that are forgotten in one go.
const FORGOTTEN_AT_ONCE: u16 = 500;

/// Delivers. Several may, in several processes: the [`DeliveryQueue`] gives each endpoint to one at a time.
pub struct Dispatcher {
    queue: Arc<dyn DeliveryQueue>,
    courier: Arc<dyn Courier>,
    desk: Desk,
}

/// An endpoint, and what is to be sent to it now.
#[derive(Debug)]
pub struct Batch {
    claimed: Claimed,
    /// Afterwards nothing is sent any more.
    until: Timestamp,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DispatchRound {
    pub delivered: u32,
    /// Attempts that failed and will be made again.
    pub failed: u32,
    /// Deliveries that were given up.
    pub dlq: u32,
    /// There was no room to ask, so the rest waits for a while.
    pub put_off: bool,
    /// Somebody else had taken the endpoint over, or it was deleted meanwhile: the last attempts were not noted.
    pub lost: bool,
}

impl Tally {
    fn count(&mut self, it: &Settling, at: Timestamp) {
        if it.status == DeliveryStatus::Delivered {
            self.delivered = self.delivered.saturating_add(1);
            self.consecutive_failures = 0;
            self.last_success_at = Some(at);
            return;
        }
        self.failed = self.failed.saturating_add(1);
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        self.last_failure_at = Some(at);
        if it.status == DeliveryStatus::Dlq {
            self.dlq = self.dlq.saturating_add(1);
        }
    }
}

impl DispatchRound {
    fn count(&mut self, it: &Settling) {
        match it.status {
            DeliveryStatus::Delivered => self.delivered += 1,
            DeliveryStatus::Dlq => self.dlq += 1,
            DeliveryStatus::Failed | DeliveryStatus::Pending | DeliveryStatus::InFlight => self.failed += 1,
        }
    }
}

/// What is to be noted, and since when.
struct Notes {
    settlings: Vec<Settling>,
    since: Timestamp,
}

impl Dispatcher {
    pub fn new(queue: Arc<dyn DeliveryQueue>, courier: Arc<dyn Courier>, desk: Desk) -> Self {
        Self { queue, courier, desk }
    }

    /// The endpoint that has waited longest; `None` when nothing is due.
    pub async fn claim(&self) -> Result<Option<Batch>, StoreError> {
        let now = self.desk.now();
        let claim = Claim {
            holder: LeaseId::new(self.desk.ids.next()),
            now,
            until: now.plus(LEASE),
            limit: BATCH,
            too_late: now.minus(MAX_WAIT),
            why: TOO_LATE,
        };
        let claimed = self.queue.claim_endpoint(&claim).await?;
        Ok(claimed.map(|claimed| Batch { claimed, until: now.plus(STINT) }))
    }

    /// Sends one delivery after the other, until the time is up or `stopped` says so. What failed does not keep the next one
    /// from being sent. A change of the endpoint counts from the next notes on.
    pub async fn deliver(&self, batch: Batch, stopped: impl Fn() -> bool) -> Result<DispatchRound, StoreError> {
        let Batch { claimed: Claimed { mut endpoint, holder, given_up, deliveries }, until } = batch;
        let mut round = DispatchRound { dlq: given_up, ..DispatchRound::default() };
        let (id, mut tally) = (endpoint.id, endpoint.tally);
        let mut notes = Notes { settlings: Vec::new(), since: self.desk.now() };
        let marks = |settlings, tally, ends| Marks { endpoint: id, holder, settlings, tally, ends };
        for delivery in &deliveries {
            if self.desk.now() >= until || stopped() {
                break;
            }
            let Some(arrival) = self.attempt(&endpoint, &delivery.message).await else {
                round.put_off = true;
                break;
            };
            let now = self.desk.now();
            let settling = Settling::after(delivery.id, delivery.attempts, arrival, now);
            tally.count(&settling, now);
            round.count(&settling);
            notes.settlings.push(settling);
            if notes.settlings.len() < MARKED_AT_ONCE && now.since(notes.since) < MARKED_AFTER {
                continue;
            }
            let noted = self.queue.mark(&marks(std::mem::take(&mut notes.settlings), tally, None)).await?;
            let Some(as_it_is) = noted else { return Ok(DispatchRound { lost: true, ..round }) };
            if !as_it_is.active {
                break;
            }
            endpoint = as_it_is;
            notes.since = now;
        }
        let pause = if round.put_off { PUT_OFF_FOR } else { Duration::ZERO };
        let ended = self.queue.mark(&marks(notes.settlings, tally, Some(self.desk.now().plus(pause)))).await?;
        Ok(DispatchRound { lost: ended.is_none(), ..round })
    }

    /// `None` where the endpoint was not asked at all: what becomes of it is not its doing.
    async fn attempt(&self, endpoint: &Endpoint, message: &Message) -> Option<Arrival> {
        let Ok(secrets) = self.secrets(endpoint) else { return Some(Arrival::Failed(CourierError::Unsigned)) };
        match self.courier.hand(&self.parcel(endpoint, &secrets, message)).await {
            Ok(handed) => Some(Arrival::Answered { status: handed.status, excerpt: Excerpt::of(&handed.start) }),
            Err(NotHanded::NotAsked) => None,
            Err(NotHanded::Failed(error)) => Some(Arrival::Failed(error)),
        }
    }

    /// The newest, and the one before it while that signs along. Where the older one does not open any more (its key is lost), the
    /// newest signs alone: that is what it was rotated for.
    fn secrets(&self, endpoint: &Endpoint) -> Result<Vec<WebhookSecret>, UnsealError> {
        let open = |secret: &SharedSecret| secret.unseal(endpoint.id, self.desk.vault.as_ref());
        let newest = open(endpoint.secret.as_ref().ok_or(UnsealError)?)?;
        let older = endpoint.rotating(self.desk.now()).and_then(|(secret, _)| open(secret).ok());
        Ok([newest].into_iter().chain(older).collect())
    }

    fn parcel(&self, endpoint: &Endpoint, secrets: &[WebhookSecret], message: &Message) -> Parcel {
        let body = message.body();
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", "driftstack-webhooks/1".to_owned()),
            ("x-driftstack-event-id", message.id.to_string()),
            ("x-driftstack-event-type", message.kind.to_string()),
        ];
        headers.extend(sign(secrets, message.id, self.desk.now(), &body));
        Parcel { url: endpoint.url.clone(), headers, body }
    }

    /// Forgets what has had its day. Answers whether there may be more.
    pub async fn forget(&self) -> Result<bool, StoreError> {
        let now = self.desk.now();
        self.queue.forget(now.minus(KEPT_FOR), now, FORGOTTEN_AT_ONCE).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{desk, people},
        time::MockClock,
        webhook::{ANSWERED_WITHIN, ClaimedDelivery, Handed, MockCourier, MockDeliveryQueue, Reach, WebhookUrl},
    };
    use std::sync::{
        Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    };

    fn deliveries(count: usize) -> Vec<ClaimedDelivery> {
        (1..).map(people::claimed).take(count).collect()
    }

    /// A queue that hands out so many deliveries once, and what it is told to note.
    /// The endpoint is as it is then.
    fn queue(count: usize, then: Option<Endpoint>) -> (MockDeliveryQueue, Arc<Mutex<Vec<Marks>>>) {
        let (mut queue, noted) = (MockDeliveryQueue::new(), Arc::new(Mutex::new(Vec::new())));
        queue
            .expect_claim_endpoint()
            .withf(|claim| {
                claim.until.since(claim.now) == LEASE
                    && claim.now.since(claim.too_late) == MAX_WAIT
                    && claim.limit == BATCH
            })
            .returning(move |claim| {
                let (endpoint, holder) = (people::endpoint(), claim.holder);
                Ok(Some(Claimed { endpoint, holder, given_up: 3, deliveries: deliveries(count) }))
            });
        let marks = noted.clone();
        queue.expect_mark().returning(move |it| {
            marks.lock().unwrap().push(it.clone());
            Ok(then.clone())
        });
        (queue, noted)
    }

    fn courier(answer: impl Fn(usize) -> Result<Handed, NotHanded> + Send + Sync + 'static) -> MockCourier {
        let (mut courier, nth) = (MockCourier::new(), AtomicUsize::new(0));
        courier.expect_hand().returning(move |_| answer(nth.fetch_add(1, Ordering::Relaxed)));
        courier
    }

    fn ok() -> Handed {
        Handed { status: 204, start: Vec::new() }
    }

    async fn deliver(queue: MockDeliveryQueue, courier: MockCourier, stopped: impl Fn() -> bool) -> DispatchRound {
        let dispatcher = Dispatcher::new(Arc::new(queue), Arc::new(courier), desk());
        let batch = dispatcher.claim().await.unwrap().unwrap();
        dispatcher.deliver(batch, stopped).await.unwrap()
    }

    #[tokio::test]
    async fn every_attempt_is_noted_once_and_the_lease_ends_with_the_last() {
        let (queue, noted) = queue(70, Some(people::endpoint()));
        let round = deliver(queue, courier(|_| Ok(ok())), || false).await;
        assert_eq!(round, DispatchRound { delivered: 70, dlq: 3, ..DispatchRound::default() });
        let noted = noted.lock().unwrap();
        assert_eq!(noted.iter().map(|it| it.settlings.len()).collect::<Vec<_>>(), [32, 32, 6]);
        assert_eq!(noted.iter().map(|it| it.ends.is_some()).collect::<Vec<_>>(), [false, false, true]);
        let ids: Vec<_> = noted.iter().flat_map(|it| it.settlings.iter().map(|it| it.id)).collect();
        assert_eq!(ids, deliveries(70).iter().map(|it| it.id).collect::<Vec<_>>());
        assert_eq!(noted[2].tally.delivered, 70);
    }

    #[tokio::test]
    async fn what_fails_does_not_hold_up_the_next() {
        let (queue, noted) = queue(3, Some(people::endpoint()));
        let answers = |nth| if nth == 1 { Ok(ok()) } else { Err(NotHanded::Failed(CourierError::TimedOut)) };
        let round = deliver(queue, courier(answers), || false).await;
        assert_eq!((round.delivered, round.failed), (1, 2));
        let tally = noted.lock().unwrap()[0].tally;
        assert_eq!((tally.delivered, tally.failed, tally.consecutive_failures), (1, 2, 1));
    }

    #[tokio::test]
    async fn nothing_more_is_sent_after_the_lease_was_lost_or_the_endpoint_paused() {
        let paused = Endpoint { active: false, ..people::endpoint() };
        for (then, lost) in [(None, true), (Some(paused), false)] {
            let (queue, noted) = queue(70, then);
            let sent = Arc::new(AtomicUsize::new(0));
            let counter = sent.clone();
            let counting = courier(move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                Ok(ok())
            });
            assert_eq!(deliver(queue, counting, || false).await.lost, lost);
            assert_eq!(sent.load(Ordering::Relaxed), 32);
            assert_eq!(noted.lock().unwrap().len(), if lost { 1 } else { 2 }, "a paused endpoint is given back");
        }
    }

    #[tokio::test]
    async fn what_was_changed_meanwhile_counts_from_the_next_notes_on() {
        let (old, mut new) = (people::endpoint(), people::endpoint());
        new.url = WebhookUrl::parse("https://example.org/", Reach::Public).unwrap();
        new.old_secret = new.secret.clone().zip(Some(people::NOW.plus(DAY)));
        let (queue, _) = queue(70, Some(new.clone()));
        let (mut courier, parcels) = (MockCourier::new(), Arc::new(Mutex::new(Vec::new())));
        let sent = parcels.clone();
        courier.expect_hand().returning(move |parcel| {
            let signatures = parcel.headers.iter().map(|(_, value)| value.matches("v1=").count()).sum::<usize>();
            sent.lock().unwrap().push((parcel.url.clone(), signatures));
            Ok(ok())
        });
        assert_eq!(deliver(queue, courier, || false).await.delivered, 70);
        let parcels = parcels.lock().unwrap();
        assert!(parcels[..32].iter().all(|it| *it == (old.url.clone(), 1)));
        assert!(parcels[32..].iter().all(|it| *it == (new.url.clone(), 2)));
    }

    #[tokio::test]
    async fn whoever_never_answers_has_two_attempts_in_a_stint() {
        let (queue, noted) = queue(70, Some(people::endpoint()));
        let (mut clock, mut courier, attempts) = (MockClock::new(), MockCourier::new(), Arc::new(AtomicU32::new(0)));
        let made = attempts.clone();
        clock.expect_now().returning(move || people::NOW.plus(ANSWERED_WITHIN * made.load(Ordering::Relaxed)));
        courier.expect_hand().returning(move |_| {
            attempts.fetch_add(1, Ordering::Relaxed);
            Err(NotHanded::Failed(CourierError::TimedOut))
        });
        let desk = Desk { clock: Arc::new(clock), ..desk() };
        let dispatcher = Dispatcher::new(Arc::new(queue), Arc::new(courier), desk);
        let batch = dispatcher.claim().await.unwrap().unwrap();
        assert_eq!(dispatcher.deliver(batch, || false).await.unwrap().failed, 2);
        assert_eq!(noted.lock().unwrap().last().unwrap().ends, Some(people::NOW.plus(ANSWERED_WITHIN * 2)));
    }

    #[tokio::test]
    async fn who_was_not_asked_has_had_no_attempt_and_is_put_off() {
        let (queue, noted) = queue(3, Some(people::endpoint()));
        let answers = |nth| if nth == 1 { Err(NotHanded::NotAsked) } else { Ok(ok()) };
        let round = deliver(queue, courier(answers), || false).await;
        assert_eq!(round, DispatchRound { delivered: 1, dlq: 3, put_off: true, ..DispatchRound::default() });
        let noted = noted.lock().unwrap();
        let [last] = &noted[..] else { panic!("{noted:?}") };
        assert_eq!((last.settlings.len(), last.tally.failed), (1, 0));
        assert_eq!(last.ends, Some(people::NOW.plus(PUT_OFF_FOR)));
    }

    #[tokio::test]
    async fn whoever_is_asked_to_stop_gives_the_rest_back() {
        let (queue, noted) = queue(70, Some(people::endpoint()));
        let asked = AtomicUsize::new(0);
        let round = deliver(queue, courier(|_| Ok(ok())), || asked.fetch_add(1, Ordering::Relaxed) >= 5).await;
        assert_eq!(round.delivered, 5);
        assert!(noted.lock().unwrap()[0].ends.is_some());
    }

    #[tokio::test]
    async fn a_parcel_is_signed_and_says_what_it_is() {
        let (queue, _) = queue(1, Some(people::endpoint()));
        let mut courier = MockCourier::new();
        courier
            .expect_hand()
            .times(1)
            .withf(|parcel| {
                let header =
                    |name| parcel.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
                let event = deliveries(1)[0].message.id.to_string();
                parcel.url == people::endpoint().url
                    && parcel.body == deliveries(1)[0].message.body()
                    && header("content-type") == Some("application/json")
                    && header("x-driftstack-event-id") == Some(event.as_str())
                    && header("x-driftstack-event-type") == Some("api_key.revoked")
                    && header("webhook-id") == Some(event.as_str())
                    && header("x-driftstack-signature").is_some_and(|text| text.starts_with("t=1778590800,v1="))
            })
            .returning(|_| Ok(ok()));
        assert_eq!(deliver(queue, courier, || false).await.delivered, 1);
    }

    #[tokio::test]
    async fn what_is_over_is_kept_for_thirty_days() {
        let mut queue = MockDeliveryQueue::new();
        let month = |before: &Timestamp, now: &Timestamp, _: &u16| now.since(*before) == DAY * 30;
        queue.expect_forget().times(1).withf(month).returning(|_, _, _| Ok(true));
        let dispatcher = Dispatcher::new(Arc::new(queue), Arc::new(MockCourier::new()), desk());
        assert!(dispatcher.forget().await.unwrap());
    }

    #[test]
    fn a_stint_has_time_for_two_attempts_and_ends_well_before_the_lease() {
        assert!(ANSWERED_WITHIN < STINT && STINT < ANSWERED_WITHIN * 2);
        assert!(STINT + ANSWERED_WITHIN < LEASE / 2);
    }
}
