//! Deliveries: how they come to wait, and who takes them.
//!
//! The row of an endpoint is the lock of its deliveries. Whoever adds one holds it until the commit, so numbers appear in the
//! order of the commits; whoever delivers has it leased, and holds it only to claim and to mark.

use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    audit::Payload,
    change::StoreError,
    id::{AccountId, DeliveryId, EndpointId, EventId, LeaseId},
    secret::Sealed,
    time::Timestamp,
    webhook::{
        Claim, Claimed, ClaimedDelivery, Delivery, DeliveryQueue, DeliveryStatus, Endpoint, Event, EventType, Marks,
        Message, Settling, Subscription, Tally, by_turns,
    },
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{
    super::Store,
    Answer, Conn, Fault, dialect,
    webhook::{EndpointRow, endpoint_columns},
};
use crate::{
    cached::update,
    rows::seen,
    schema::{webhook_deliveries, webhook_endpoints, webhook_events},
    types::{Key, b},
};

#[async_trait]
impl DeliveryQueue for Store {
    #[instrument(level = "debug", name = "db.webhook_delivery.claim", skip_all)]
    async fn claim_endpoint(&self, it: &Claim) -> Result<Option<Claimed>, StoreError> {
        let it = *it;
        Ok(self.write(move |c| claim(c, it).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.webhook_delivery.mark", skip_all)]
    async fn mark(&self, marks: &Marks) -> Result<Option<Endpoint>, StoreError> {
        let marks = marks.clone();
        Ok(self.write(move |c| mark(c, marks).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.webhook_delivery.waiting", skip_all)]
    async fn waiting(&self) -> Result<u32, StoreError> {
        self.read(|c| waiting(c).boxed()).await
    }

    #[instrument(level = "debug", name = "db.webhook_delivery.forget", skip_all)]
    async fn forget(&self, over_before: Timestamp, now: Timestamp, limit: u16) -> Result<bool, StoreError> {
        Ok(self.write(move |c| forget(c, over_before, now, limit).boxed()).await?)
    }

    async fn event_written(&self) {
        Self::event_written(self).heard().await;
    }
}

seen! {
    struct Listener {
        id: EndpointId = webhook_endpoints.id,
        events: Subscription = webhook_endpoints.events,
    }

    struct Numbered {
        seq: i64 = webhook_endpoints.last_seq,
    }

    struct DueRow {
        id: DeliveryId = webhook_deliveries.id,
        attempts: i32 = webhook_deliveries.attempts,
        due_at: Timestamp = webhook_deliveries.next_attempt_at,
        event: EventId = webhook_events.id,
        account: AccountId = webhook_events.account,
        kind: EventType = webhook_events.kind,
        at: Timestamp = webhook_events.at,
        data: Payload = webhook_events.data,
    }

    struct NextRow {
        at: Timestamp = webhook_deliveries.next_attempt_at,
    }

    struct LateRow {
        id: DeliveryId = webhook_deliveries.id,
    }

    struct SettledRow {
        id: DeliveryId = webhook_deliveries.id,
        event: EventId = webhook_deliveries.event,
    }

    struct DeletedRow {
        id: EndpointId = webhook_endpoints.id,
    }
}

impl From<DueRow> for ClaimedDelivery {
    fn from(row: DueRow) -> Self {
        let attempts = u32::try_from(row.attempts).unwrap_or_default();
        let DueRow { id, due_at, event, account, kind, at, data, .. } = row;
        Self { id, attempts, due_at, message: Message { id: event, account, kind, at, data } }
    }
}

/// Writes an event, and a delivery for each endpoint that wants it.
pub(super) async fn record(c: &mut Conn, event: &Event) -> Answer<()> {
    let mut is_written = false;
    for (endpoint, id) in listeners(c, event).await?.into_iter().zip(&event.deliveries) {
        let Some(seq) = number(c, endpoint).await? else { continue };
        if !is_written {
            insert_event(c, event).await?;
            is_written = true;
        }
        insert(c, &event.delivery(*id, endpoint, seq)).await?;
        wake(c, endpoint, event.at).await?;
    }
    // Whoever asked for it was promised that it is on its way.
    if event.to.is_some() && !is_written { Err(Fault::Stale) } else { Ok(()) }
}

/// The active endpoints of the account for which this is.
async fn listeners(c: &mut Conn, event: &Event) -> Answer<Vec<EndpointId>> {
    let rows = webhook_endpoints::table
        .filter(webhook_endpoints::account.eq(b(&event.account)))
        .filter(webhook_endpoints::disabled_at.is_null())
        .filter(webhook_endpoints::active)
        .order(webhook_endpoints::id)
        .select((webhook_endpoints::id, webhook_endpoints::events))
        .load::<Listener>(c)
        .await?;
    Ok(rows.into_iter().filter(|row| event.is_for(row.id, &row.events)).map(|row| row.id).collect())
}

/// Takes the next number of an endpoint, unless it is active no more, and holds the endpoint until the commit.
async fn number(c: &mut Conn, endpoint: EndpointId) -> Answer<Option<i64>> {
    let numbered = update(webhook_endpoints::table.find(b(&endpoint)).filter(webhook_endpoints::active))
        .set(webhook_endpoints::last_seq.eq(webhook_endpoints::last_seq + 1))
        .returning((webhook_endpoints::last_seq,))
        .get_result::<Numbered>(c)
        .await
        .optional()?;
    Ok(numbered.map(|row| row.seq))
}

/// Holds an endpoint until the commit, and so keeps everybody from its deliveries.
pub(super) async fn hold_endpoint(c: &mut Conn, endpoint: Key) -> Answer<()> {
    let held = update(webhook_endpoints::table.find(endpoint));
    held.set(webhook_endpoints::last_seq.eq(webhook_endpoints::last_seq)).execute(c).await?;
    Ok(())
}

async fn insert_event(c: &mut Conn, event: &Event) -> Answer<()> {
    dsl::insert_into(webhook_events::table)
        .values((
            webhook_events::id.eq(b(&event.id)),
            webhook_events::account.eq(b(&event.account)),
            webhook_events::kind.eq(b(&event.kind)),
            webhook_events::at.eq(b(&event.at)),
            webhook_events::data.eq(b(&event.data)),
            webhook_events::about.eq(b(&event.about)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

async fn insert(c: &mut Conn, it: &Delivery) -> Answer<()> {
    dsl::insert_into(webhook_deliveries::table)
        .values((
            webhook_deliveries::id.eq(b(&it.id)),
            webhook_deliveries::endpoint.eq(b(&it.endpoint)),
            webhook_deliveries::event.eq(b(&it.event)),
            webhook_deliveries::seq.eq(it.seq),
            webhook_deliveries::status.eq(b(&it.status)),
            webhook_deliveries::next_attempt_at.eq(b(&it.next_attempt_at)),
            webhook_deliveries::created_at.eq(b(&it.created_at)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

/// An active endpoint is due at that time at the latest.
pub(super) async fn wake(c: &mut Conn, endpoint: EndpointId, at: Timestamp) -> Answer<()> {
    let later = webhook_endpoints::due_at.is_null().or(webhook_endpoints::due_at.gt(b(&Some(at))));
    update(webhook_endpoints::table.find(b(&endpoint)).filter(webhook_endpoints::active).filter(later))
        .set(webhook_endpoints::due_at.eq(b(&Some(at))))
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn claim(c: &mut Conn, it: Claim) -> Answer<Option<Claimed>> {
    let Claim { holder, now, until, limit, .. } = it;
    let Some(id) = dialect::due_endpoint(c, now).await? else { return Ok(None) };
    // Asks again whether it is due: where two may look at once, the slower one finds nothing.
    let free = webhook_endpoints::table
        .find(id)
        .filter(webhook_endpoints::due_at.le(b(&Some(now))))
        .filter(webhook_endpoints::leased_until.le(b(&now)));
    let taken = update(free)
        .set((webhook_endpoints::lease.eq(b(&Some(holder))), webhook_endpoints::leased_until.eq(b(&until))))
        .returning(endpoint_columns!())
        .get_result::<EndpointRow>(c)
        .await
        .optional()?;
    let Some(mut endpoint) = taken.map(Endpoint::from) else { return Ok(None) };
    let given_up = give_up(c, endpoint.id, it).await?;
    endpoint.tally.dlq += given_up;
    let more_is_late = given_up >= limit.into();
    let deliveries = if more_is_late { Vec::new() } else { due(c, endpoint.id, now, limit).await? };
    if !deliveries.is_empty() {
        let ids: Vec<Key> = deliveries.iter().map(|delivery| b_key(delivery.id)).collect();
        update(webhook_deliveries::table.filter(webhook_deliveries::id.eq_any(ids)))
            .set(webhook_deliveries::status.eq(b(&DeliveryStatus::InFlight)))
            .execute(c)
            .await?;
    }
    Ok(Some(Claimed { endpoint, holder, given_up: u32::try_from(given_up).unwrap_or(u32::MAX), deliveries }))
}

fn b_key(id: DeliveryId) -> Key {
    Key(id.uuid())
}

/// Gives up what has waited for too long at an endpoint whose lease one has, and counts it.
pub(crate) async fn give_up(c: &mut Conn, endpoint: EndpointId, it: Claim) -> Answer<i64> {
    let not_since =
        webhook_deliveries::replayed_at.is_null().or(webhook_deliveries::replayed_at.lt(b(&Some(it.too_late))));
    let late: Vec<LateRow> = webhook_deliveries::table
        .filter(webhook_deliveries::endpoint.eq(b(&endpoint)))
        .filter(webhook_deliveries::settled_at.is_null())
        .filter(webhook_deliveries::created_at.lt(b(&it.too_late)))
        .filter(not_since)
        .order(webhook_deliveries::created_at)
        .limit(it.limit.into())
        .select((webhook_deliveries::id,))
        .load(c)
        .await?;
    if late.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Key> = late.iter().map(|row| b_key(row.id)).collect();
    update(webhook_deliveries::table.filter(webhook_deliveries::id.eq_any(ids)))
        .set((
            webhook_deliveries::status.eq(b(&DeliveryStatus::Dlq)),
            webhook_deliveries::error.eq(Some(it.why)),
            webhook_deliveries::next_attempt_at.eq(b(&it.now)),
            webhook_deliveries::settled_at.eq(b(&Some(it.now))),
        ))
        .execute(c)
        .await?;
    let given_up = i64::try_from(late.len()).unwrap_or(i64::MAX);
    update(webhook_endpoints::table.find(b(&endpoint)))
        .set(webhook_endpoints::dlq.eq(webhook_endpoints::dlq + given_up))
        .execute(c)
        .await?;
    Ok(given_up)
}

/// What is due at an endpoint whose lease one has: what somebody has left behind, then what has failed and what is new by turns.
pub(crate) async fn due(
    c: &mut Conn,
    endpoint: EndpointId,
    now: Timestamp,
    limit: u16,
) -> Answer<Vec<ClaimedDelivery>> {
    let mut due = numbered(c, endpoint, DeliveryStatus::InFlight, limit.into()).await?;
    let rest = i64::from(limit) - i64::try_from(due.len()).unwrap_or(i64::MAX);
    let failed = failed(c, endpoint, now, rest).await?;
    let new = numbered(c, endpoint, DeliveryStatus::Pending, rest).await?;
    due.extend(by_turns(failed, new));
    due.truncate(limit.into());
    Ok(due)
}

/// The columns of a [`DueRow`].
macro_rules! due_columns {
    () => {
        (
            webhook_deliveries::id,
            webhook_deliveries::attempts,
            webhook_deliveries::next_attempt_at,
            webhook_events::id,
            webhook_events::account,
            webhook_events::kind,
            webhook_events::at,
            webhook_events::data,
        )
    };
}

async fn numbered(
    c: &mut Conn,
    endpoint: EndpointId,
    status: DeliveryStatus,
    limit: i64,
) -> Answer<Vec<ClaimedDelivery>> {
    let rows = webhook_deliveries::table
        .inner_join(webhook_events::table.on(webhook_events::id.eq(webhook_deliveries::event)))
        .filter(webhook_deliveries::endpoint.eq(b(&endpoint)))
        .filter(webhook_deliveries::status.eq(b(&status)))
        .order(webhook_deliveries::seq)
        .limit(limit)
        .select(due_columns!())
        .load::<DueRow>(c)
        .await?;
    Ok(rows.into_iter().map(ClaimedDelivery::from).collect())
}

async fn failed(c: &mut Conn, endpoint: EndpointId, now: Timestamp, limit: i64) -> Answer<Vec<ClaimedDelivery>> {
    let rows = webhook_deliveries::table
        .inner_join(webhook_events::table.on(webhook_events::id.eq(webhook_deliveries::event)))
        .filter(webhook_deliveries::endpoint.eq(b(&endpoint)))
        .filter(webhook_deliveries::status.eq(b(&DeliveryStatus::Failed)))
        .filter(webhook_deliveries::next_attempt_at.le(b(&now)))
        .order((webhook_deliveries::next_attempt_at, webhook_deliveries::seq))
        .limit(limit)
        .select(due_columns!())
        .load::<DueRow>(c)
        .await?;
    Ok(rows.into_iter().map(ClaimedDelivery::from).collect())
}

async fn mark(c: &mut Conn, it: Marks) -> Answer<Option<Endpoint>> {
    let Tally { delivered, failed, dlq, consecutive_failures, last_success_at, last_failure_at } = it.tally;
    let mine = webhook_endpoints::table.find(b(&it.endpoint)).filter(webhook_endpoints::lease.eq(b(&Some(it.holder))));
    let held = update(mine)
        .set((
            webhook_endpoints::delivered.eq(delivered),
            webhook_endpoints::failed.eq(failed),
            webhook_endpoints::dlq.eq(dlq),
            webhook_endpoints::consecutive_failures.eq(consecutive_failures),
            webhook_endpoints::last_success_at.eq(b(&last_success_at)),
            webhook_endpoints::last_failure_at.eq(b(&last_failure_at)),
        ))
        .returning(endpoint_columns!())
        .get_result::<EndpointRow>(c)
        .await
        .optional()?;
    let Some(endpoint) = held.map(Endpoint::from) else { return Ok(None) };
    for settling in &it.settlings {
        settle(c, settling).await?;
    }
    if let Some(at) = it.ends {
        give_back(c, it.endpoint, at, endpoint.active).await?;
    }
    Ok(Some(endpoint))
}

async fn settle(c: &mut Conn, it: &Settling) -> Answer<()> {
    let sent =
        webhook_deliveries::table.find(b(&it.id)).filter(webhook_deliveries::status.eq(b(&DeliveryStatus::InFlight)));
    update(sent)
        .set((
            webhook_deliveries::status.eq(b(&it.status)),
            webhook_deliveries::attempts.eq(i32::try_from(it.attempts).unwrap_or(i32::MAX)),
            webhook_deliveries::next_attempt_at.eq(b(&it.next_attempt_at)),
            webhook_deliveries::response_status.eq(it.response_status.map(i32::from)),
            webhook_deliveries::response_excerpt.eq(b(&it.response_excerpt)),
            webhook_deliveries::error.eq(b(&it.error)),
            webhook_deliveries::settled_at.eq(b(&it.settled_at)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

/// Ends the lease. What was claimed and not sent is what it was before.
async fn give_back(c: &mut Conn, endpoint: EndpointId, at: Timestamp, active: bool) -> Answer<()> {
    let unsent = || {
        webhook_deliveries::table
            .filter(webhook_deliveries::endpoint.eq(b(&endpoint)))
            .filter(webhook_deliveries::status.eq(b(&DeliveryStatus::InFlight)))
    };
    update(unsent().filter(webhook_deliveries::attempts.eq(0)))
        .set(webhook_deliveries::status.eq(b(&DeliveryStatus::Pending)))
        .execute(c)
        .await?;
    update(unsent().filter(webhook_deliveries::attempts.gt(0)))
        .set(webhook_deliveries::status.eq(b(&DeliveryStatus::Failed)))
        .execute(c)
        .await?;
    let due = if active { next_due(c, endpoint, at).await? } else { None };
    update(webhook_endpoints::table.find(b(&endpoint)))
        .set((
            webhook_endpoints::lease.eq(b(&None::<LeaseId>)),
            webhook_endpoints::leased_until.eq(b(&at)),
            webhook_endpoints::due_at.eq(b(&due)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

/// When there is something to deliver again: now, where anything was never sent, and not earlier, whatever is overdue. Others
/// have waited meanwhile.
pub(crate) async fn next_due(c: &mut Conn, endpoint: EndpointId, now: Timestamp) -> Answer<Option<Timestamp>> {
    let of = |status: DeliveryStatus| {
        webhook_deliveries::table
            .filter(webhook_deliveries::endpoint.eq(b(&endpoint)))
            .filter(webhook_deliveries::status.eq(b(&status)))
            .limit(1)
            .select((webhook_deliveries::next_attempt_at,))
    };
    let pending = of(DeliveryStatus::Pending).order(webhook_deliveries::seq).load::<NextRow>(c).await?;
    if !pending.is_empty() {
        return Ok(Some(now));
    }
    let failed = of(DeliveryStatus::Failed).order(webhook_deliveries::next_attempt_at).load::<NextRow>(c).await?;
    Ok(failed.into_iter().next().map(|row| row.at.max(now)))
}

async fn waiting(c: &mut Conn) -> Answer<u32> {
    let waiting: i64 =
        webhook_deliveries::table.filter(webhook_deliveries::settled_at.is_null()).count().get_result(c).await?;
    Ok(u32::try_from(waiting).unwrap_or(u32::MAX))
}

pub(crate) async fn forget(c: &mut Conn, over_before: Timestamp, now: Timestamp, limit: u16) -> Answer<bool> {
    forget_old_secrets(c, now).await?;
    let deliveries = forget_deliveries(c, over_before, limit).await?;
    let endpoints = forget_endpoints(c, over_before, limit).await?;
    Ok(deliveries.max(endpoints) == usize::from(limit))
}

async fn forget_old_secrets(c: &mut Conn, now: Timestamp) -> Answer<()> {
    let rotated = webhook_endpoints::table.filter(webhook_endpoints::old_secret_until.le(b(&Some(now))));
    update(rotated)
        .set((
            webhook_endpoints::old_secret.eq(b(&None::<Sealed>)),
            webhook_endpoints::old_secret_prefix.eq(b(&None::<String>)),
            webhook_endpoints::old_secret_until.eq(b(&None::<Timestamp>)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

/// And the events of which nobody is told any more.
async fn forget_deliveries(c: &mut Conn, settled_before: Timestamp, limit: u16) -> Answer<usize> {
    let old: Vec<SettledRow> = webhook_deliveries::table
        .filter(webhook_deliveries::settled_at.lt(b(&Some(settled_before))))
        .order(webhook_deliveries::settled_at)
        .limit(limit.into())
        .select((webhook_deliveries::id, webhook_deliveries::event))
        .load(c)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Key> = old.iter().map(|row| b_key(row.id)).collect();
    // Unless somebody has put it back since.
    let still = webhook_deliveries::settled_at.lt(b(&Some(settled_before)));
    dsl::delete(webhook_deliveries::table.filter(webhook_deliveries::id.eq_any(ids)).filter(still)).execute(c).await?;
    let events: Vec<Key> = old.iter().map(|row| Key(row.event.uuid())).collect();
    let told = webhook_deliveries::table.filter(webhook_deliveries::event.eq(webhook_events::id));
    let untold = webhook_events::table.filter(webhook_events::id.eq_any(events)).filter(dsl::not(dsl::exists(told)));
    dsl::delete(untold).execute(c).await?;
    Ok(old.len())
}

/// The deleted ones whose deliveries are forgotten: no other ever comes to them.
async fn forget_endpoints(c: &mut Conn, deleted_before: Timestamp, limit: u16) -> Answer<usize> {
    let left = webhook_deliveries::table.filter(webhook_deliveries::endpoint.eq(webhook_endpoints::id));
    let old: Vec<DeletedRow> = webhook_endpoints::table
        .filter(webhook_endpoints::disabled_at.lt(b(&Some(deleted_before))))
        .filter(dsl::not(dsl::exists(left)))
        .order(webhook_endpoints::disabled_at)
        .limit(limit.into())
        .select((webhook_endpoints::id,))
        .load(c)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Key> = old.iter().map(|row| Key(row.id.uuid())).collect();
    dsl::delete(webhook_endpoints::table.filter(webhook_endpoints::id.eq_any(ids))).execute(c).await?;
    Ok(old.len())
}
