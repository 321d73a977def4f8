//! `WebhookStore` and `DeliveryQueue`.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use driftstack_domain::{
    access::Permit,
    account::Edit,
    api_key::ApiKeyStore as _,
    change::MaybeStale as _,
    id::{DeliveryId, EndpointId, LeaseId},
    page::{Limit, PageRequest},
    policy::{Role, action::CreateEndpoint},
    testing::people,
    time::{DAY, HOUR, MINUTE},
    webhook::{
        Arrival, Claim, Claimed, CourierError, CreateEndpointError, CreatedEndpoint, Delivery, DeliveryQueue as _,
        DeliveryStatus, Endpoint, EndpointEdit, EndpointOrder, EventType, Excerpt, MAX_ENDPOINTS, MAX_WAIT, Marks,
        Settling, Tally, WebhookStore as _,
    },
};
use tokio::time::timeout;

use crate::{
    backend::Backend,
    forge,
    world::{Attempt, Person, World, order, race, rows},
};

const LEASE: Duration = MINUTE;
const WHY: &str = "it is too late";

fn told_of(events: &[EventType]) -> EndpointOrder {
    let url = "https://hooks.example.com/driftstack?a=b".to_owned();
    EndpointOrder { url, events: events.to_vec(), description: Some("nightly – ä".parse().unwrap()) }
}

pub(super) async fn register<B: Backend>(world: &World<B>, who: &Person, events: &[EventType]) -> CreatedEndpoint {
    world.webhooks().create(&world.permit(who).await, told_of(events)).await.unwrap()
}

/// Olive, with an endpoint that is told of revoked keys.
async fn listening<B: Backend>(backend: B) -> (Arc<World<B>>, Person, EndpointId) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let endpoint = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
    (world, olive, endpoint)
}

/// Something happens so many times.
pub(super) async fn happen<B: Backend>(world: &World<B>, who: &Person, times: usize) {
    for n in 0..times {
        let key = world.mint(who, who, &format!("key {n}")).await.key.id;
        world.keys().revoke(&world.permit(who).await, key).await.unwrap();
    }
}

async fn edit<B: Backend>(world: &World<B>, who: &Person, id: EndpointId, edit: EndpointEdit) -> Endpoint {
    world.webhooks().edit(&world.permit(who).await, id, edit).await.unwrap()
}

async fn pause<B: Backend>(world: &World<B>, who: &Person, id: EndpointId, active: bool) {
    edit(world, who, id, EndpointEdit { active: Some(active), ..EndpointEdit::default() }).await;
}

async fn remove<B: Backend>(world: &World<B>, who: &Person, id: EndpointId) {
    world.webhooks().remove(&world.permit(who).await, id).await.unwrap();
}

pub(super) async fn claim<B: Backend>(world: &World<B>, limit: u16) -> Option<Claimed> {
    let (holder, now) = (LeaseId::new(world.desk.ids.next()), world.now());
    let too_late = now.minus(MAX_WAIT);
    let claim = Claim { holder, now, until: now.plus(LEASE), limit, too_late, why: WHY };
    world.store.claim_endpoint(&claim).await.unwrap()
}

pub(super) fn ok() -> Arrival {
    Arrival::Answered { status: 200, excerpt: Excerpt::of(b"thank you") }
}

fn refused() -> Arrival {
    Arrival::Failed(CourierError::TimedOut)
}

/// Notes what became of some of what was claimed.
pub(super) async fn mark<B: Backend>(
    world: &World<B>,
    claimed: &Claimed,
    arrivals: impl IntoIterator<Item = (usize, Arrival)>,
    ends: bool,
) -> Option<Endpoint> {
    let settling = |(nth, arrival): (usize, Arrival)| {
        let delivery = &claimed.deliveries[nth];
        Settling::after(delivery.id, delivery.attempts, arrival, world.now())
    };
    let marks = Marks {
        endpoint: claimed.endpoint.id,
        holder: claimed.holder,
        settlings: arrivals.into_iter().map(settling).collect(),
        tally: claimed.endpoint.tally,
        ends: ends.then(|| world.now()),
    };
    world.store.mark(&marks).await.unwrap()
}

pub(super) async fn listed<B: Backend>(world: &World<B>, id: EndpointId) -> Vec<Delivery> {
    let page = PageRequest { limit: Limit::new(100).unwrap(), after: None };
    world.store.deliveries(id, None, page).await.unwrap().rows
}

async fn statuses<B: Backend>(world: &World<B>, id: EndpointId) -> Vec<DeliveryStatus> {
    listed(world, id).await.iter().rev().map(|delivery| delivery.status).collect()
}

fn ids(claimed: &Claimed) -> Vec<DeliveryId> {
    claimed.deliveries.iter().map(|delivery| delivery.id).collect()
}

fn attempts(claimed: &Claimed) -> Vec<u32> {
    claimed.deliveries.iter().map(|delivery| delivery.attempts).collect()
}

pub async fn an_endpoint_is_read_as_it_was_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let before = world.backend.rows().await;
    let made = register(&world, &olive, &[EventType::KeyRevoked, EventType::MemberAdded]).await.endpoint;
    assert_eq!(world.store.seen_endpoint(olive.id, made.id).await.unwrap(), Some(made));
    let grown = rows([("webhook_endpoints", 1), ("audit_entries", 1), ("account_keys", 1)]);
    assert_eq!(world.grown_since(&before).await, grown);
    assert_eq!(world.actions(olive.id).await.pop().unwrap(), "webhook_endpoint.created");
}

pub async fn endpoints_are_listed_newest_first_but_for_deleted_ones<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let mut made = Vec::new();
    for _ in 0..4 {
        made.insert(0, register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id);
    }
    let bos = register(&world, &bo, &[EventType::KeyRevoked]).await.endpoint.id;
    pause(&world, &olive, made[0], false).await;
    remove(&world, &olive, made.remove(2)).await;
    let listed = world.store.endpoints(olive.id).await.unwrap();
    assert_eq!(listed.iter().map(|endpoint| endpoint.id).collect::<Vec<_>>(), made);
    assert_eq!(world.store.seen_endpoint(olive.id, bos).await.unwrap(), None, "another account's");
}

pub async fn an_endpoint_is_changed<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let change = EndpointEdit {
        url: Some("https://example.org/".to_owned()),
        events: Some(vec![EventType::RoleChanged]),
        description: Edit::Clear,
        active: Some(false),
    };
    let changed = edit(&world, &olive, id, change).await;
    assert_eq!(world.store.seen_endpoint(olive.id, id).await.unwrap(), Some(changed));
}

pub async fn a_deleted_endpoint_keeps_no_secret_and_gives_up_what_waits<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    world.webhooks().rotate_secret(&world.permit(&olive).await, id).await.unwrap();
    happen(&world, &olive, 3).await;
    let claimed = claim(&world, 2).await.unwrap();
    mark(&world, &claimed, [(0, ok()), (1, refused())], false).await;
    remove(&world, &olive, id).await;
    let gone = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    assert_eq!((gone.disabled_at, gone.active), (Some(world.now()), false));
    assert_eq!((gone.secret, gone.old_secret), (None, None));
    assert_eq!(
        statuses(&world, id).await,
        [DeliveryStatus::Delivered, DeliveryStatus::Dlq, DeliveryStatus::Dlq],
        "what had arrived has arrived"
    );
    let last = listed(&world, id).await.remove(0);
    assert_eq!((last.last_error.as_deref(), last.settled_at), (Some("the endpoint was deleted"), Some(world.now())));
    assert_eq!(mark(&world, &claimed, [], true).await, None, "whoever delivers has lost it");
    world.clock.advance(DAY);
    assert_eq!(claim(&world, 9).await, None);
    happen(&world, &olive, 1).await;
    assert_eq!(listed(&world, id).await.len(), 3, "it is told nothing more");
}

pub async fn what_is_deleted_is_not_changed<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let there = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    remove(&world, &olive, id).await;
    let before = world.backend.rows().await;
    let desk = &world.desk;
    let change = forge::endpoint_change(desk, &world.permit(&olive).await, there.clone()).await;
    assert!(world.store.commit_endpoint_change(&change).await.unwrap_err().is_stale());
    let rotation = forge::secret_rotation(desk, &world.permit(&olive).await, there.clone()).await;
    assert!(world.store.commit_secret_rotation(&rotation).await.unwrap_err().is_stale());
    let removal = forge::endpoint_removal(desk, &world.permit(&olive).await, there.clone()).await;
    assert!(world.store.commit_endpoint_removal(&removal).await.unwrap_err().is_stale());
    let ping = forge::test_ping(desk, &world.permit(&olive).await, there).await;
    assert!(world.store.commit_test_ping(&ping).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    world.log(olive.id).await;
}

pub async fn a_secret_is_rotated_from_the_one_that_was_seen<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let seen = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    let rotated = world.webhooks().rotate_secret(&world.permit(&olive).await, id).await.unwrap();
    let now = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    assert_eq!(now, rotated.endpoint);
    assert_eq!(now.old_secret, seen.secret.clone().map(|secret| (secret, world.now().plus(DAY))));
    let late = forge::secret_rotation(&world.desk, &world.permit(&olive).await, seen).await;
    assert!(world.store.commit_secret_rotation(&late).await.unwrap_err().is_stale());
    assert_eq!(world.store.seen_endpoint(olive.id, id).await.unwrap(), Some(now));
}

pub async fn of_sixteen_who_register_at_once_ten_do<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let create = async |permit: Permit<CreateEndpoint>| {
        world.webhooks().create(&permit, told_of(&[EventType::KeyRevoked])).await
    };
    let outcomes = race(16, |_| async {
        // As somebody does who gets a 503.
        loop {
            match world.call(olive.presented, None, create).await {
                Err(Attempt::Use(error)) if error.is_stale() => {}
                outcome => return outcome,
            }
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), MAX_ENDPOINTS);
    let full = |outcome: &&Result<_, _>| matches!(outcome, Err(Attempt::Use(CreateEndpointError::TooMany)));
    assert_eq!(outcomes.iter().filter(full).count(), 16 - MAX_ENDPOINTS, "{outcomes:?}");
    let made = world.store.endpoints(olive.id).await.unwrap();
    assert_eq!(made.len(), MAX_ENDPOINTS);
    remove(&world, &olive, made[0].id).await;
    register(&world, &olive, &[EventType::KeyRevoked]).await;
}

pub async fn an_event_is_written_with_its_change<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let bo = world.person("bo").await;
    let other = register(&world, &olive, &[EventType::RoleChanged]).await.endpoint.id;
    let paused = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
    pause(&world, &olive, paused, false).await;
    let bos = register(&world, &bo, &[EventType::KeyRevoked]).await.endpoint.id;
    let key = world.mint(&olive, &olive, "ci").await.key.id;
    let before = world.backend.rows().await;
    world.keys().revoke(&world.permit(&olive).await, key).await.unwrap();
    assert_eq!(
        world.grown_since(&before).await,
        rows([("audit_entries", 1), ("webhook_events", 1), ("webhook_deliveries", 1)])
    );
    let delivery = listed(&world, id).await.remove(0);
    assert_eq!(
        (delivery.kind, delivery.status, delivery.seq, delivery.next_attempt_at),
        (EventType::KeyRevoked, DeliveryStatus::Pending, 1, world.now())
    );
    for nobody in [other, paused, bos] {
        assert!(listed(&world, nobody).await.is_empty());
    }
    let message = claim(&world, 9).await.unwrap().deliveries.remove(0).message;
    assert_eq!((message.id, message.account, message.at), (delivery.event, olive.id, world.now()));
    assert_eq!(message.data["api_key_id"], key.to_string());
}

pub async fn what_nobody_wants_to_hear_is_not_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    register(&world, &olive, &[EventType::SessionCompleted]).await;
    let before = world.backend.rows().await;
    happen(&world, &olive, 1).await;
    assert_eq!(world.grown_since(&before).await, rows([("audit_entries", 2), ("api_keys", 1)]));
    assert_eq!(claim(&world, 9).await, None);
}

pub async fn the_team_tells_of_its_members<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let all = [EventType::MemberAdded, EventType::RoleChanged, EventType::MemberRemoved, EventType::KeyRevoked];
    let id = register(&world, &olive, &all).await.endpoint.id;
    let membership = world.join(&olive, &ada, Role::Admin).await;
    world.keys().mint(&world.permit_on(&ada, &olive).await, order("hers")).await.unwrap();
    let memberships = world.memberships();
    memberships.change_role(&world.permit(&olive).await, membership.id, Role::Member).await.unwrap();
    memberships.remove(&world.permit(&olive).await, membership.id).await.unwrap();
    let kinds: Vec<_> = listed(&world, id).await.iter().rev().map(|delivery| delivery.kind.as_str()).collect();
    assert_eq!(kinds, ["team.member_added", "team.role_changed", "team.member_removed", "api_key.revoked"]);
}

pub async fn a_refused_commit_tells_nobody<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let key = world.mint(&olive, &olive, "ci").await.key;
    let old = world.permit(&olive).await;
    world.mint(&olive, &olive, "another").await;
    let before = world.backend.rows().await;
    assert!(world.keys().revoke(&old, key.id).await.is_err());
    let forged = forge::key_revocation(&world.desk, &world.permit(&olive).await, key.clone()).await;
    world.keys().revoke(&world.permit(&olive).await, key.id).await.unwrap();
    assert!(world.store.commit_key_revocation(&forged).await.is_err());
    let told = world.grown_since(&before).await;
    assert_eq!(told, rows([("audit_entries", 1), ("webhook_events", 1), ("webhook_deliveries", 1)]));
    assert_eq!(listed(&world, id).await.len(), 1);
}

pub async fn a_commit_with_an_event_wakes_the_dispatcher<B: Backend>(backend: B) {
    let (world, olive, _) = listening(backend).await;
    let key = world.mint(&olive, &olive, "ci").await.key.id;
    world.store.event_written().await;
    world.keys().revoke(&world.permit(&olive).await, key).await.unwrap();
    assert!(timeout(Duration::from_millis(500), world.store.event_written()).await.is_ok());
    // Without a commit it still looks about once in a while, for what has become due.
    assert!(timeout(Duration::from_secs(5), world.store.event_written()).await.is_ok());
}

pub async fn a_ping_is_for_one_endpoint<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let other = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
    let ping = world.webhooks().test(&world.permit(&olive).await, id).await.unwrap();
    let delivery = listed(&world, id).await.remove(0);
    assert_eq!((delivery.id, delivery.event, delivery.kind), (ping.delivery, ping.event, EventType::TestPing));
    assert!(listed(&world, other).await.is_empty());
    // One that was paused between the decision and the commit.
    let seen = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    pause(&world, &olive, id, false).await;
    let late = forge::test_ping(&world.desk, &world.permit(&olive).await, seen).await;
    assert!(world.store.commit_test_ping(&late).await.unwrap_err().is_stale());
}

/// Also where many commit at once.
pub async fn deliveries_are_numbered_in_the_order_of_the_commits<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let mut keys = Vec::new();
    for n in 0..12 {
        keys.push(world.mint(&olive, &olive, &format!("key {n}")).await.key.id);
    }
    let revoke = async |n: usize| {
        let revoke = async |permit: Permit<_>| world.keys().revoke(&permit, keys[n]).await;
        while world.call(olive.presented, None, revoke).await.is_err() {}
    };
    race(12, revoke).await;
    let revoked = world.log(olive.id).await.into_iter().filter(|entry| entry.action == "api_key.revoked");
    let committed: Vec<String> = revoked.map(|entry| entry.target.unwrap()).collect();
    let claimed = claim(&world, 100).await.unwrap();
    let told: Vec<String> =
        claimed.deliveries.iter().map(|it| it.message.data["api_key_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, committed);
    let numbers: Vec<i64> = listed(&world, id).await.iter().rev().map(|delivery| delivery.seq).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
}

pub async fn an_endpoint_is_claimed_by_one_alone<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    assert_eq!(claim(&world, 9).await, None, "nothing is due");
    happen(&world, &olive, 5).await;
    let claimed = claim(&world, 3).await.unwrap();
    assert_eq!((claimed.endpoint.id, claimed.deliveries.len()), (id, 3));
    assert_eq!(claim(&world, 9).await, None, "there is more, and still only one may deliver");
    assert_eq!(
        statuses(&world, id).await[..4],
        [DeliveryStatus::InFlight, DeliveryStatus::InFlight, DeliveryStatus::InFlight, DeliveryStatus::Pending]
    );
    happen(&world, &olive, 1).await;
    assert_eq!(claim(&world, 9).await, None, "nor for what has come since");
    assert!(mark(&world, &claimed, (0..3).map(|nth| (nth, ok())), true).await.is_some());
    let rest = claim(&world, 9).await.unwrap();
    assert_eq!(rest.deliveries.len(), 3);
    assert!(ids(&claimed).iter().all(|id| !ids(&rest).contains(id)));
}

pub async fn many_who_claim_share_no_endpoint<B: Backend>(backend: B) {
    let world = World::new(backend);
    let mut all = HashSet::new();
    for n in 0..8 {
        let person = world.person(&format!("person{n}")).await;
        all.insert(register(&world, &person, &[EventType::KeyRevoked]).await.endpoint.id);
        happen(&world, &person, 2).await;
    }
    let claimed = race(4, |_| async {
        let mut mine = Vec::new();
        let mut empty = 0;
        while empty < 5 && mine.len() < 16 {
            match claim(&world, 9).await {
                Some(claimed) => mine.push(claimed),
                // What another one is claiming is passed over.
                None => empty += 1,
            }
        }
        mine
    });
    let claimed = claimed.await.concat();
    assert_eq!(claimed.len(), 8);
    assert_eq!(claimed.iter().map(|it| it.endpoint.id).collect::<HashSet<_>>(), all);
    assert!(claimed.iter().all(|it| it.deliveries.len() == 2));
}

/// As after a crash between sending and marking.
pub async fn a_lease_that_ran_out_is_taken_over_with_the_same_ids<B: Backend>(backend: B) {
    let (world, olive, _) = listening(backend).await;
    happen(&world, &olive, 4).await;
    let first = claim(&world, 3).await.unwrap();
    mark(&world, &first, [(0, ok())], false).await;
    world.clock.advance(LEASE / 2);
    assert_eq!(claim(&world, 9).await, None);
    world.clock.advance(LEASE / 2);
    let second = claim(&world, 9).await.unwrap();
    assert_eq!(ids(&second)[..2], ids(&first)[1..], "what was not marked, first and in its order");
    assert_eq!(second.deliveries[..2], first.deliveries[1..], "the same events, and no attempt more");
    assert_eq!(second.deliveries.len(), 3);

    assert_eq!(mark(&world, &first, [(1, refused())], true).await, None, "too late");
    assert_eq!(claim(&world, 9).await, None, "and nothing was given back by it");
    assert!(mark(&world, &second, (0..3).map(|nth| (nth, ok())), true).await.is_some());
    assert_eq!(claim(&world, 9).await, None);
}

pub async fn what_was_claimed_and_not_sent_waits_again<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 2).await;
    let first = claim(&world, 9).await.unwrap();
    mark(&world, &first, [(0, refused())], true).await;
    world.clock.advance(MINUTE);
    let second = claim(&world, 9).await.unwrap();
    assert_eq!(attempts(&second), [0, 1]);
    mark(&world, &second, [], true).await;
    assert_eq!(statuses(&world, id).await, [DeliveryStatus::Failed, DeliveryStatus::Pending]);
    assert_eq!(ids(&claim(&world, 9).await.unwrap()), ids(&second), "at once");
}

pub async fn what_failed_waits_and_holds_up_nothing<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let failing = claim(&world, 9).await.unwrap();
    mark(&world, &failing, [(0, refused())], true).await;
    let failed = listed(&world, id).await.remove(0);
    assert_eq!((failed.status, failed.attempts), (DeliveryStatus::Failed, 1));
    assert_eq!((failed.next_attempt_at, failed.settled_at), (world.now().plus(MINUTE), None));
    assert_eq!(failed.last_error, Some(CourierError::TimedOut.to_string()));

    happen(&world, &olive, 2).await;
    let newer = claim(&world, 9).await.unwrap();
    assert_eq!(newer.deliveries.len(), 2);
    mark(&world, &newer, [(0, ok()), (1, ok())], true).await;
    assert_eq!(claim(&world, 9).await, None);
    world.clock.advance(MINUTE);
    let again = claim(&world, 9).await.unwrap();
    assert_eq!(ids(&again), ids(&failing));
    assert_eq!((again.deliveries[0].attempts, &again.deliveries[0].message), (1, &failing.deliveries[0].message));
}

pub async fn retries_and_what_is_new_take_turns<B: Backend>(backend: B) {
    let (world, olive, _) = listening(backend).await;
    happen(&world, &olive, 6).await;
    let failing = claim(&world, 9).await.unwrap();
    mark(&world, &failing, (0..6).map(|nth| (nth, refused())), true).await;
    world.clock.advance(MINUTE);
    happen(&world, &olive, 2).await;
    let mixed = claim(&world, 5).await.unwrap();
    assert_eq!(attempts(&mixed), [1, 0, 1, 0, 1]);
    mark(&world, &mixed, [(1, ok()), (3, ok())], true).await;
    assert_eq!(ids(&claim(&world, 9).await.unwrap()), ids(&failing), "where nothing is new, there is room for all");
}

pub async fn where_a_stint_is_one_attempt_the_one_that_has_waited_longest_is_made<B: Backend>(backend: B) {
    let (world, olive, _) = listening(backend).await;
    happen(&world, &olive, 3).await;
    let failing = claim(&world, 9).await.unwrap();
    mark(&world, &failing, (0..3).map(|nth| (nth, refused())), true).await;
    world.clock.advance(MINUTE / 2);
    happen(&world, &olive, 2).await;
    world.clock.advance(MINUTE / 2);
    let mut made = Vec::new();
    for _ in 0..6 {
        world.clock.advance(Duration::from_secs(10));
        happen(&world, &olive, 1).await;
        let claimed = claim(&world, 9).await.unwrap();
        made.push(claimed.deliveries[0].attempts);
        mark(&world, &claimed, [(0, refused())], true).await;
    }
    assert_eq!(made, [0, 0, 1, 1, 1, 0]);
}

/// Also where its retries have been due for longer than anything that anybody else waits for.
pub async fn a_slow_endpoint_goes_to_the_back_of_the_queue<B: Backend>(backend: B) {
    let (world, olive, slow) = listening(backend).await;
    let bo = world.person("bo").await;
    let other = register(&world, &bo, &[EventType::KeyRevoked]).await.endpoint.id;
    happen(&world, &olive, 3).await;
    let failing = claim(&world, 9).await.unwrap();
    mark(&world, &failing, (0..3).map(|nth| (nth, refused())), true).await;
    world.clock.advance(MINUTE);
    let first = claim(&world, 9).await.unwrap();
    assert_eq!(first.endpoint.id, slow);
    world.clock.advance(Duration::from_secs(5));
    happen(&world, &bo, 1).await;
    world.clock.advance(Duration::from_secs(5));
    mark(&world, &first, [(0, refused())], true).await;
    assert_eq!(claim(&world, 9).await.unwrap().endpoint.id, other);
    assert_eq!(claim(&world, 9).await.unwrap().endpoint.id, slow, "at once all the same");
}

pub async fn what_fails_six_times_is_given_up<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let began = world.now();
    for minutes in [1, 5, 15, 30, 60] {
        let claimed = claim(&world, 9).await.unwrap();
        mark(&world, &claimed, [(0, refused())], true).await;
        world.clock.advance((MINUTE * minutes).saturating_sub(Duration::from_secs(1)));
        assert_eq!(claim(&world, 9).await, None, "before {minutes} min are over");
        world.clock.advance(Duration::from_secs(1));
    }
    let last = claim(&world, 9).await.unwrap();
    let answer = Arrival::Answered { status: 503, excerpt: Excerpt::of(b"busy") };
    mark(&world, &last, [(0, answer)], true).await;
    let dead = listed(&world, id).await.remove(0);
    assert_eq!((dead.status, dead.attempts), (DeliveryStatus::Dlq, 6));
    assert_eq!((dead.last_response_status, dead.last_response_excerpt), (Some(503), Some(Excerpt::of(b"busy"))));
    assert_eq!(dead.settled_at, Some(began.plus(MINUTE * 111)));
    world.clock.advance(DAY);
    assert_eq!(claim(&world, 9).await, None);
}

/// Whatever it is: failed before, or left behind by somebody who crashed.
pub async fn what_has_waited_for_too_long_is_given_up_unsent<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 2).await;
    let claimed = claim(&world, 9).await.unwrap();
    let answer = Arrival::Answered { status: 503, excerpt: Excerpt::of(b"busy") };
    mark(&world, &claimed, [(0, answer)], true).await;
    world.clock.advance(MAX_WAIT.saturating_sub(LEASE));
    happen(&world, &olive, 1).await;
    let left_behind = claim(&world, 2).await.unwrap();
    assert_eq!(left_behind.deliveries.len(), 2);
    world.clock.advance(LEASE);
    assert_eq!(ids(&claim(&world, 2).await.unwrap()).len(), 2, "to the last moment");
    world.clock.advance(LEASE);
    let last = claim(&world, 9).await.unwrap();
    assert_eq!(last.deliveries.len(), 1);
    let (given_up, sent) = (DeliveryStatus::Dlq, DeliveryStatus::InFlight);
    assert_eq!(statuses(&world, id).await, [given_up, given_up, sent]);
    let late = listed(&world, id).await.pop().unwrap();
    assert_eq!((late.last_error.as_deref(), late.attempts, late.settled_at), (Some(WHY), 1, Some(world.now())));
    assert_eq!(late.last_response_status, Some(503), "the last answer is still shown");
    let counted = Tally { dlq: 2, ..claimed.endpoint.tally };
    assert_eq!((last.endpoint.active, last.endpoint.tally), (true, counted));
    assert_eq!(world.store.seen_endpoint(olive.id, id).await.unwrap(), Some(last.endpoint));
}

pub async fn a_backlog_is_given_up_in_pieces_before_anything_is_sent<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 3).await;
    world.clock.advance(MAX_WAIT + LEASE);
    happen(&world, &olive, 1).await;
    let first = claim(&world, 2).await.unwrap();
    assert!(first.deliveries.is_empty(), "there may be more that is too late");
    let (given_up, waits) = (DeliveryStatus::Dlq, DeliveryStatus::Pending);
    assert_eq!(statuses(&world, id).await, [given_up, given_up, waits, waits]);
    mark(&world, &first, [], true).await;
    assert_eq!(claim(&world, 2).await.unwrap().deliveries.len(), 1);
    assert_eq!(statuses(&world, id).await, [given_up, given_up, given_up, DeliveryStatus::InFlight]);
}

pub async fn what_is_replayed_has_all_its_time_again<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let claimed = claim(&world, 9).await.unwrap();
    mark(&world, &claimed, [(0, ok())], true).await;
    world.clock.advance(MAX_WAIT * 2);
    let delivery = ids(&claimed)[0];
    world.webhooks().replay(&world.permit(&olive).await, delivery).await.unwrap();
    world.clock.advance(MAX_WAIT);
    assert_eq!(ids(&claim(&world, 9).await.unwrap()), [delivery]);
    world.clock.advance(LEASE);
    assert!(claim(&world, 9).await.unwrap().deliveries.is_empty());
    assert_eq!(statuses(&world, id).await, [DeliveryStatus::Dlq]);
}

/// Nobody claims what is paused: it is given up when the endpoint is resumed.
pub async fn what_waited_for_too_long_while_paused_is_given_up<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    pause(&world, &olive, id, false).await;
    world.clock.advance(MAX_WAIT + LEASE);
    pause(&world, &olive, id, true).await;
    assert!(claim(&world, 9).await.unwrap().deliveries.is_empty());
    assert_eq!(statuses(&world, id).await, [DeliveryStatus::Dlq]);
}

pub async fn whoever_delivers_hears_of_a_change<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 3).await;
    let claimed = claim(&world, 9).await.unwrap();
    assert_eq!(mark(&world, &claimed, [(0, ok())], false).await.as_ref(), Some(&claimed.endpoint), "none yet");
    let elsewhere = EndpointEdit { url: Some("https://example.org/".to_owned()), ..EndpointEdit::default() };
    edit(&world, &olive, id, elsewhere).await;
    let rotated = world.webhooks().rotate_secret(&world.permit(&olive).await, id).await.unwrap().endpoint;
    assert_eq!(rotated.url.as_str(), "https://example.org/");
    assert_eq!(mark(&world, &claimed, [(1, ok())], false).await, Some(rotated));
    assert_eq!(claim(&world, 9).await, None, "it still holds the lease");
}

pub async fn whoever_has_lost_the_lease_notes_nothing<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 3).await;
    let mut first = claim(&world, 2).await.unwrap();
    first.endpoint.tally.delivered = 7;
    world.clock.advance(LEASE);
    let second = claim(&world, 9).await.unwrap();
    let before = world.backend.dump().await;
    for ends in [false, true] {
        assert_eq!(mark(&world, &first, [(0, ok()), (1, refused())], ends).await, None);
        assert_eq!(world.backend.dump().await, before, "somebody else has it");
    }
    remove(&world, &olive, id).await;
    let before = world.backend.dump().await;
    for ends in [false, true] {
        assert_eq!(mark(&world, &second, [(0, ok()), (1, refused())], ends).await, None);
        assert_eq!(world.backend.dump().await, before, "it is deleted");
    }
}

pub async fn a_paused_endpoint_waits_and_goes_on<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 3).await;
    let claimed = claim(&world, 2).await.unwrap();
    pause(&world, &olive, id, false).await;
    assert!(!mark(&world, &claimed, [(0, ok())], false).await.unwrap().active);
    assert!(!mark(&world, &claimed, [], true).await.unwrap().active);
    world.clock.advance(HOUR);
    assert_eq!(claim(&world, 9).await, None);
    happen(&world, &olive, 1).await;
    pause(&world, &olive, id, true).await;
    let rest = claim(&world, 9).await.unwrap();
    assert_eq!(ids(&rest)[0], ids(&claimed)[1]);
    assert_eq!(rest.deliveries.len(), 2, "what happened meanwhile is not told");
}

/// Resuming an endpoint to which somebody is still delivering gives it to nobody else.
pub async fn a_resumed_endpoint_is_still_delivered_to_by_one<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 2).await;
    let claimed = claim(&world, 1).await.unwrap();
    pause(&world, &olive, id, false).await;
    pause(&world, &olive, id, true).await;
    assert_eq!(claim(&world, 9).await, None);
    mark(&world, &claimed, [(0, ok())], true).await;
    assert_eq!(claim(&world, 9).await.unwrap().deliveries.len(), 1);
}

pub async fn the_tally_is_kept_with_the_marks<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let claimed = claim(&world, 9).await.unwrap();
    let mut tally = claimed.endpoint.tally;
    (tally.delivered, tally.failed, tally.dlq, tally.consecutive_failures) = (5, 4, 3, 2);
    (tally.last_success_at, tally.last_failure_at) = (Some(world.now()), Some(people::EARLIER));
    let marks = Marks { endpoint: id, holder: claimed.holder, settlings: Vec::new(), tally, ends: Some(world.now()) };
    let noted = world.store.mark(&marks).await.unwrap();
    assert_eq!(noted.map(|endpoint| endpoint.tally), Some(tally));
    assert_eq!(world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap().tally, tally);
}

pub async fn a_delivery_is_replayed_from_the_status_it_was_seen_in<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let claimed = claim(&world, 9).await.unwrap();
    mark(&world, &claimed, [(0, ok())], true).await;
    let delivered = listed(&world, id).await.remove(0);
    assert_eq!(delivered.delivered_at(), Some(world.now()));
    let bo = world.person("bo").await;
    assert_eq!(world.store.seen_delivery(bo.id, delivered.id).await.unwrap(), None, "another account's");

    world.clock.advance(HOUR);
    let again = world.webhooks().replay(&world.permit(&olive).await, delivered.id).await.unwrap();
    assert_eq!(listed(&world, id).await, std::slice::from_ref(&again));
    assert_eq!((again.status, again.attempts, again.event), (DeliveryStatus::Pending, 0, delivered.event));
    let late = forge::replay(&world.desk, &world.permit(&olive).await, delivered).await;
    assert!(world.store.commit_replay(&late).await.unwrap_err().is_stale());
    let replayed = claim(&world, 9).await.unwrap();
    assert_eq!(ids(&replayed), ids(&claimed));
    assert_eq!(replayed.deliveries[0].message, claimed.deliveries[0].message, "the same event, under the same ids");
}

pub async fn deliveries_are_listed_newest_first_by_status<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 5).await;
    let claimed = claim(&world, 4).await.unwrap();
    mark(&world, &claimed, [(0, ok()), (1, refused()), (2, ok())], true).await;
    let page = PageRequest { limit: Limit::new(2).unwrap(), after: None };
    let first = world.store.deliveries(id, None, page).await.unwrap();
    happen(&world, &olive, 1).await;
    let second = world.store.deliveries(id, None, PageRequest { after: first.next, ..page }).await.unwrap();
    let third = world.store.deliveries(id, None, PageRequest { after: second.next, ..page }).await.unwrap();
    let numbers: Vec<i64> =
        [&first, &second, &third].iter().flat_map(|page| page.rows.iter().map(|delivery| delivery.seq)).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!(third.next, None);
    let mut by_status = BTreeMap::new();
    for status in DeliveryStatus::ALL {
        let page = PageRequest { limit: Limit::new(100).unwrap(), after: None };
        let found = world.store.deliveries(id, Some(*status), page).await.unwrap().rows;
        by_status.insert(status.as_str(), found.iter().map(|delivery| delivery.seq).collect::<Vec<_>>());
    }
    assert_eq!(
        by_status,
        BTreeMap::from([
            ("pending", vec![6, 5, 4]),
            ("in_flight", vec![]),
            ("delivered", vec![3, 1]),
            ("failed", vec![2]),
            ("dlq", vec![])
        ])
    );
    assert_eq!(world.store.waiting().await.unwrap(), 4);
}

pub async fn what_was_settled_long_ago_is_forgotten<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let both = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
    world.webhooks().rotate_secret(&world.permit(&olive).await, id).await.unwrap();
    let before = world.backend.rows().await;
    happen(&world, &olive, 3).await;
    for _ in 0..2 {
        let claimed = claim(&world, 9).await.unwrap();
        let arrivals = if claimed.endpoint.id == id { vec![(0, ok()), (1, ok()), (2, ok())] } else { vec![(1, ok())] };
        mark(&world, &claimed, arrivals, true).await;
    }
    let of_webhooks = async || {
        let grown = world.grown_since(&before).await;
        ["webhook_events", "webhook_deliveries"].map(|table| grown.get(table).copied().unwrap_or_default())
    };
    let settled = world.now();
    assert!(!world.store.forget(settled, world.now(), 9).await.unwrap());
    assert_eq!(of_webhooks().await, [3, 6]);
    world.clock.advance(HOUR);
    assert!(world.store.forget(world.now(), world.now(), 2).await.unwrap(), "there is more");
    assert!(!world.store.forget(world.now(), world.now(), 9).await.unwrap());
    assert_eq!(of_webhooks().await, [2, 2], "what waits is kept, and the events that it is about");
    assert_eq!(statuses(&world, both).await, [DeliveryStatus::Pending; 2]);

    let rotating = world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap();
    assert!(rotating.old_secret.is_some());
    world.clock.advance(DAY);
    world.store.forget(settled, world.now(), 9).await.unwrap();
    assert_eq!(world.store.seen_endpoint(olive.id, id).await.unwrap().unwrap().old_secret, None);
}

pub async fn a_deleted_endpoint_is_forgotten_after_its_deliveries<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    let kept = register(&world, &olive, &[EventType::RoleChanged]).await.endpoint.id;
    let idle = register(&world, &olive, &[EventType::RoleChanged]).await.endpoint.id;
    happen(&world, &olive, 2).await;
    remove(&world, &olive, id).await;
    remove(&world, &olive, idle).await;
    let (deleted, log) = (world.now(), world.log(olive.id).await);
    world.clock.advance(HOUR);
    let is_there = async |id| world.store.seen_endpoint(olive.id, id).await.unwrap().is_some();
    assert!(!world.store.forget(deleted, world.now(), 9).await.unwrap());
    assert!(is_there(idle).await, "not before its time");
    assert!(world.store.forget(world.now(), world.now(), 1).await.unwrap(), "there is more");
    assert_eq!((is_there(id).await, is_there(idle).await), (true, false), "while a delivery can be looked up");
    world.store.forget(world.now(), world.now(), 9).await.unwrap();
    assert_eq!((is_there(id).await, is_there(kept).await), (false, true));
    assert_eq!(world.log(olive.id).await, log, "the log keeps what was said of it");
}

/// Nothing that is asked for by an id that was never given answers.
pub async fn what_was_never_made_is_not_seen<B: Backend>(backend: B) {
    let (world, olive, _) = listening(backend).await;
    assert_eq!(world.store.seen_endpoint(olive.id, EndpointId::new(people::uuid(1))).await.unwrap(), None);
    assert_eq!(world.store.seen_delivery(olive.id, DeliveryId::new(people::uuid(1))).await.unwrap(), None);
}

/// A commit that comes while somebody ends the lease: whichever is first, the delivery is not forgotten.
pub async fn what_happens_while_a_lease_ends_is_not_forgotten<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    for n in 1..=12 {
        let key = world.mint(&olive, &olive, &format!("key {n}")).await.key.id;
        world.webhooks().test(&world.permit(&olive).await, id).await.unwrap();
        let claimed = claim(&world, 9).await.unwrap();
        let permit = world.permit(&olive).await;
        let either = async |runner: usize| match runner {
            0 => world.keys().revoke(&permit, key).await.unwrap(),
            _ => assert!(mark(&world, &claimed, [(0, ok())], true).await.is_some()),
        };
        race(2, either).await;
        let next = claim(&world, 9).await.expect("the revoked key is told of");
        assert_eq!(next.deliveries.len(), 1);
        mark(&world, &next, [(0, ok())], true).await;
    }
    assert_eq!(statuses(&world, id).await, [DeliveryStatus::Delivered; 24]);
}

/// A replay that comes while somebody ends the lease: whichever is first, the endpoint is due.
pub async fn what_is_replayed_while_a_lease_ends_is_not_forgotten<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    happen(&world, &olive, 1).await;
    let first = claim(&world, 9).await.unwrap();
    mark(&world, &first, [(0, ok())], true).await;
    for _ in 0..12 {
        world.webhooks().test(&world.permit(&olive).await, id).await.unwrap();
        let claimed = claim(&world, 9).await.unwrap();
        let permit = world.permit(&olive).await;
        let either = async |runner: usize| match runner {
            0 => drop(world.webhooks().replay(&permit, ids(&first)[0]).await.unwrap()),
            _ => assert!(mark(&world, &claimed, [(0, ok())], true).await.is_some()),
        };
        race(2, either).await;
        let next = claim(&world, 9).await.expect("the replayed one is due");
        assert_eq!(ids(&next), ids(&first));
        mark(&world, &next, [(0, ok())], true).await;
    }
}

/// Of a replay and those who forget one comes first: what was put back is kept, and what was forgotten is not put back.
pub async fn what_is_replayed_is_not_forgotten_meanwhile<B: Backend>(backend: B) {
    let (world, olive, id) = listening(backend).await;
    for _ in 0..24 {
        happen(&world, &olive, 1).await;
        let delivered = claim(&world, 9).await.unwrap();
        mark(&world, &delivered, [(0, ok())], true).await;
        world.clock.advance(HOUR);
        let permit = world.permit(&olive).await;
        let either = async |runner: usize| match runner {
            0 => world.webhooks().replay(&permit, ids(&delivered)[0]).await.is_ok(),
            _ => world.store.forget(world.now(), world.now(), 9).await.unwrap(),
        };
        let replayed = race(3, either).await.contains(&true);
        assert_eq!(statuses(&world, id).await, vec![DeliveryStatus::Pending; usize::from(replayed)]);
        if replayed {
            let again = claim(&world, 9).await.unwrap();
            assert_eq!(ids(&again), ids(&delivered));
            mark(&world, &again, [(0, ok())], true).await;
            world.clock.advance(HOUR);
            world.store.forget(world.now(), world.now(), 9).await.unwrap();
        }
    }
}

/// Of a deletion and a claim one comes first: nothing is in flight for an endpoint that is gone.
pub async fn of_a_deletion_and_a_claim_one_comes_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for _ in 0..8 {
        let id = register(&world, &olive, &[EventType::KeyRevoked]).await.endpoint.id;
        happen(&world, &olive, 2).await;
        let permit = world.permit(&olive).await;
        let either = async |runner: usize| match runner {
            0 => {
                world.webhooks().remove(&permit, id).await.unwrap();
                None
            }
            _ => claim(&world, 9).await,
        };
        let claimed = race(2, either).await.into_iter().flatten().next();
        assert_eq!(statuses(&world, id).await, [DeliveryStatus::Dlq; 2]);
        if let Some(claimed) = claimed {
            assert_eq!(mark(&world, &claimed, [(0, ok())], true).await, None);
        }
        assert_eq!(statuses(&world, id).await, [DeliveryStatus::Dlq; 2]);
    }
}
