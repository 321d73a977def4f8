//! The endpoints, and what is shown of their deliveries.

use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    change::{CommitError, StoreError},
    id::{AccountId, DeliveryId, EndpointId, EventId, LeaseId},
    page::{Page, PageRequest, Position},
    secret::Sealed,
    time::Timestamp,
    webhook::{
        Delivery, DeliveryStatus, Description, Endpoint, EndpointChange, EndpointCreation, EndpointRemoval, EventType,
        Excerpt, Replay, SecretRotation, SharedSecret, Subscription, Tally, TestPing, WebhookStore, WebhookUrl,
    },
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{
    super::Store,
    Answer, Conn, Fault, delivery,
    page::{below_number, rows_to_fetch},
};
use crate::{
    cached::update,
    rows::seen,
    schema::{webhook_deliveries, webhook_endpoints, webhook_events},
    types::{Key, b},
};

#[async_trait]
impl WebhookStore for Store {
    #[instrument(level = "debug", name = "db.webhook.list", skip_all)]
    async fn endpoints(&self, account: AccountId) -> Result<Vec<Endpoint>, StoreError> {
        self.read(move |c| endpoints(c, account).boxed()).await
    }

    #[instrument(level = "debug", name = "db.webhook.seen", skip_all)]
    async fn seen_endpoint(&self, account: AccountId, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.read(move |c| seen_endpoint(c, account, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.webhook_delivery.seen", skip_all)]
    async fn seen_delivery(
        &self,
        account: AccountId,
        id: DeliveryId,
    ) -> Result<Option<(Delivery, Endpoint)>, StoreError> {
        self.read(move |c| seen_delivery(c, account, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.webhook_delivery.page", skip_all)]
    async fn deliveries(
        &self,
        endpoint: EndpointId,
        status: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        self.read(move |c| deliveries(c, endpoint, status, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.webhook.commit_creation", skip_all)]
    async fn commit_endpoint_creation(&self, it: &EndpointCreation) -> Result<(), CommitError> {
        self.commit(it, |c, it| insert(c, &it.endpoint).boxed()).await
    }

    #[instrument(level = "debug", name = "db.webhook.commit_change", skip_all)]
    async fn commit_endpoint_change(&self, it: &EndpointChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| change(c, it).boxed()).await?;
        self.event_written().ring();
        Ok(())
    }

    #[instrument(level = "debug", name = "db.webhook.commit_removal", skip_all)]
    async fn commit_endpoint_removal(&self, it: &EndpointRemoval) -> Result<(), CommitError> {
        self.commit(it, |c, it| removal(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.webhook.commit_rotation", skip_all)]
    async fn commit_secret_rotation(&self, it: &SecretRotation) -> Result<(), CommitError> {
        self.commit(it, |c, it| rotation(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.webhook.commit_test", skip_all)]
    async fn commit_test_ping(&self, it: &TestPing) -> Result<(), CommitError> {
        // The frame writes the event, which is all there is.
        self.commit(it, |_, _| async { Ok(()) }.boxed()).await
    }

    #[instrument(level = "debug", name = "db.webhook_delivery.commit_replay", skip_all)]
    async fn commit_replay(&self, it: &Replay) -> Result<(), CommitError> {
        self.commit(it, |c, it| replay(c, it).boxed()).await?;
        self.event_written().ring();
        Ok(())
    }
}

seen! {
    pub(super) struct EndpointRow {
        id: EndpointId = webhook_endpoints.id,
        account: AccountId = webhook_endpoints.account,
        url: WebhookUrl = webhook_endpoints.url,
        secret: Option<Sealed> = webhook_endpoints.secret,
        secret_prefix: String = webhook_endpoints.secret_prefix,
        old_secret: Option<Sealed> = webhook_endpoints.old_secret,
        old_secret_prefix: Option<String> = webhook_endpoints.old_secret_prefix,
        old_secret_until: Option<Timestamp> = webhook_endpoints.old_secret_until,
        events: Subscription = webhook_endpoints.events,
        description: Option<Description> = webhook_endpoints.description,
        active: bool = webhook_endpoints.active,
        delivered: i64 = webhook_endpoints.delivered,
        failed: i64 = webhook_endpoints.failed,
        dlq: i64 = webhook_endpoints.dlq,
        consecutive_failures: i64 = webhook_endpoints.consecutive_failures,
        last_success_at: Option<Timestamp> = webhook_endpoints.last_success_at,
        last_failure_at: Option<Timestamp> = webhook_endpoints.last_failure_at,
        disabled_at: Option<Timestamp> = webhook_endpoints.disabled_at,
        created_at: Timestamp = webhook_endpoints.created_at,
    }

    struct DeliveryRow {
        id: DeliveryId = webhook_deliveries.id,
        endpoint: EndpointId = webhook_deliveries.endpoint,
        event: EventId = webhook_deliveries.event,
        kind: EventType = webhook_events.kind,
        seq: i64 = webhook_deliveries.seq,
        status: DeliveryStatus = webhook_deliveries.status,
        attempts: i32 = webhook_deliveries.attempts,
        next_attempt_at: Timestamp = webhook_deliveries.next_attempt_at,
        response_status: Option<i32> = webhook_deliveries.response_status,
        response_excerpt: Option<Excerpt> = webhook_deliveries.response_excerpt,
        error: Option<String> = webhook_deliveries.error,
        settled_at: Option<Timestamp> = webhook_deliveries.settled_at,
        replayed_at: Option<Timestamp> = webhook_deliveries.replayed_at,
        created_at: Timestamp = webhook_deliveries.created_at,
    }
}

/// The columns of an [`EndpointRow`].
macro_rules! endpoint_columns {
    () => {
        (
            webhook_endpoints::id,
            webhook_endpoints::account,
            webhook_endpoints::url,
            webhook_endpoints::secret,
            webhook_endpoints::secret_prefix,
            webhook_endpoints::old_secret,
            webhook_endpoints::old_secret_prefix,
            webhook_endpoints::old_secret_until,
            webhook_endpoints::events,
            webhook_endpoints::description,
            webhook_endpoints::active,
            webhook_endpoints::delivered,
            webhook_endpoints::failed,
            webhook_endpoints::dlq,
            webhook_endpoints::consecutive_failures,
            webhook_endpoints::last_success_at,
            webhook_endpoints::last_failure_at,
            webhook_endpoints::disabled_at,
            webhook_endpoints::created_at,
        )
    };
}
pub(super) use endpoint_columns;

/// The columns of a [`DeliveryRow`].
macro_rules! delivery_columns {
    () => {
        (
            webhook_deliveries::id,
            webhook_deliveries::endpoint,
            webhook_deliveries::event,
            webhook_events::kind,
            webhook_deliveries::seq,
            webhook_deliveries::status,
            webhook_deliveries::attempts,
            webhook_deliveries::next_attempt_at,
            webhook_deliveries::response_status,
            webhook_deliveries::response_excerpt,
            webhook_deliveries::error,
            webhook_deliveries::settled_at,
            webhook_deliveries::replayed_at,
            webhook_deliveries::created_at,
        )
    };
}

impl From<EndpointRow> for Endpoint {
    fn from(row: EndpointRow) -> Self {
        let shared = |sealed, shown_prefix| SharedSecret { sealed, shown_prefix };
        let old_secret = row.old_secret.zip(row.old_secret_prefix).map(|(sealed, prefix)| shared(sealed, prefix));
        Self {
            id: row.id,
            account: row.account,
            url: row.url,
            secret: row.secret.map(|sealed| shared(sealed, row.secret_prefix)),
            old_secret: old_secret.zip(row.old_secret_until),
            subscription: row.events,
            description: row.description,
            active: row.active,
            tally: Tally {
                delivered: row.delivered,
                failed: row.failed,
                dlq: row.dlq,
                consecutive_failures: row.consecutive_failures,
                last_success_at: row.last_success_at,
                last_failure_at: row.last_failure_at,
            },
            disabled_at: row.disabled_at,
            created_at: row.created_at,
        }
    }
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: row.id,
            endpoint: row.endpoint,
            event: row.event,
            kind: row.kind,
            seq: row.seq,
            status: row.status,
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            next_attempt_at: row.next_attempt_at,
            last_response_status: row.response_status.and_then(|status| u16::try_from(status).ok()),
            last_response_excerpt: row.response_excerpt,
            last_error: row.error,
            settled_at: row.settled_at,
            waiting_since: row.replayed_at.unwrap_or(row.created_at),
            created_at: row.created_at,
        }
    }
}

pub(crate) async fn endpoints(c: &mut Conn, account: AccountId) -> Answer<Vec<Endpoint>> {
    let rows = webhook_endpoints::table
        .filter(webhook_endpoints::account.eq(b(&account)))
        .filter(webhook_endpoints::disabled_at.is_null())
        .order(webhook_endpoints::id.desc())
        .select(endpoint_columns!())
        .load::<EndpointRow>(c)
        .await?;
    Ok(rows.into_iter().map(Endpoint::from).collect())
}

pub(crate) async fn seen_endpoint(c: &mut Conn, account: AccountId, id: EndpointId) -> Answer<Option<Endpoint>> {
    let found = webhook_endpoints::table
        .find(b(&id))
        .filter(webhook_endpoints::account.eq(b(&account)))
        .select(endpoint_columns!())
        .get_result::<EndpointRow>(c)
        .await
        .optional()?;
    Ok(found.map(Endpoint::from))
}

pub(crate) async fn seen_delivery(
    c: &mut Conn,
    account: AccountId,
    id: DeliveryId,
) -> Answer<Option<(Delivery, Endpoint)>> {
    let found = webhook_deliveries::table
        .inner_join(webhook_events::table.on(webhook_events::id.eq(webhook_deliveries::event)))
        .inner_join(webhook_endpoints::table.on(webhook_endpoints::id.eq(webhook_deliveries::endpoint)))
        .filter(webhook_deliveries::id.eq(b(&id)))
        .filter(webhook_endpoints::account.eq(b(&account)))
        .select((delivery_columns!(), endpoint_columns!()))
        .get_result::<(DeliveryRow, EndpointRow)>(c)
        .await
        .optional()?;
    Ok(found.map(|(delivery, endpoint)| (delivery.into(), endpoint.into())))
}

pub(crate) async fn deliveries(
    c: &mut Conn,
    endpoint: EndpointId,
    status: Option<DeliveryStatus>,
    page: PageRequest,
) -> Answer<Page<Delivery>> {
    let all = webhook_deliveries::table
        .inner_join(webhook_events::table.on(webhook_events::id.eq(webhook_deliveries::event)))
        .filter(webhook_deliveries::endpoint.eq(b(&endpoint)))
        .filter(webhook_deliveries::seq.lt(below_number(&page)))
        .order(webhook_deliveries::seq.desc())
        .limit(rows_to_fetch(&page))
        .select(delivery_columns!());
    let rows = match status {
        Some(status) => all.filter(webhook_deliveries::status.eq(b(&status))).load::<DeliveryRow>(c).await?,
        None => all.load::<DeliveryRow>(c).await?,
    };
    let deliveries = rows.into_iter().map(Delivery::from).collect();
    Ok(page.page(deliveries, |it: &Delivery| Position(u128::try_from(it.seq).unwrap_or_default())))
}

/// What becomes of these events, at whatever endpoint; the first of each first.
pub(super) async fn deliveries_of(c: &mut Conn, events: impl Iterator<Item = EventId>) -> Answer<Vec<Delivery>> {
    let events: Vec<Key> = events.map(|id| Key(id.uuid())).collect();
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let rows = webhook_deliveries::table
        .inner_join(webhook_events::table.on(webhook_events::id.eq(webhook_deliveries::event)))
        .filter(webhook_deliveries::event.eq_any(events))
        .order(webhook_deliveries::id)
        .select(delivery_columns!())
        .load::<DeliveryRow>(c)
        .await?;
    Ok(rows.into_iter().map(Delivery::from).collect())
}

async fn insert(c: &mut Conn, it: &Endpoint) -> Answer<()> {
    let secret = it.secret.as_ref();
    dsl::insert_into(webhook_endpoints::table)
        .values((
            webhook_endpoints::id.eq(b(&it.id)),
            webhook_endpoints::account.eq(b(&it.account)),
            webhook_endpoints::url.eq(b(&it.url)),
            webhook_endpoints::secret.eq(b(&secret.map(|secret| secret.sealed.clone()))),
            webhook_endpoints::secret_prefix.eq(secret.map_or("", |secret| secret.shown_prefix.as_str())),
            webhook_endpoints::events.eq(b(&it.subscription)),
            webhook_endpoints::description.eq(b(&it.description)),
            webhook_endpoints::active.eq(it.active),
            webhook_endpoints::created_at.eq(b(&it.created_at)),
            webhook_endpoints::leased_until.eq(b(&it.created_at)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

async fn change(c: &mut Conn, it: &EndpointChange) -> Answer<()> {
    let EndpointChange { endpoint, at, .. } = it;
    let there = webhook_endpoints::table.find(b(&endpoint.id)).filter(webhook_endpoints::disabled_at.is_null());
    let changed = update(there)
        .set((
            webhook_endpoints::url.eq(b(&endpoint.url)),
            webhook_endpoints::events.eq(b(&endpoint.subscription)),
            webhook_endpoints::description.eq(b(&endpoint.description)),
            webhook_endpoints::active.eq(endpoint.active),
            // Whoever claims it next finds out what there is to do.
            webhook_endpoints::due_at.eq(b(&endpoint.active.then_some(*at))),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(changed)
}

async fn removal(c: &mut Conn, it: &EndpointRemoval) -> Answer<()> {
    let there = webhook_endpoints::table.find(b(&it.endpoint)).filter(webhook_endpoints::disabled_at.is_null());
    let removed = update(there)
        .set((
            webhook_endpoints::active.eq(false),
            webhook_endpoints::disabled_at.eq(b(&Some(it.at))),
            webhook_endpoints::secret.eq(b(&None::<Sealed>)),
            webhook_endpoints::old_secret.eq(b(&None::<Sealed>)),
            webhook_endpoints::old_secret_prefix.eq(b(&None::<String>)),
            webhook_endpoints::old_secret_until.eq(b(&None::<Timestamp>)),
            webhook_endpoints::due_at.eq(b(&None::<Timestamp>)),
            webhook_endpoints::lease.eq(b(&None::<LeaseId>)),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(removed)?;
    let waiting = webhook_deliveries::table
        .filter(webhook_deliveries::endpoint.eq(b(&it.endpoint)))
        .filter(webhook_deliveries::settled_at.is_null());
    update(waiting)
        .set((
            webhook_deliveries::status.eq(b(&DeliveryStatus::Dlq)),
            webhook_deliveries::error.eq(Some(it.why)),
            webhook_deliveries::next_attempt_at.eq(b(&it.at)),
            webhook_deliveries::settled_at.eq(b(&Some(it.at))),
        ))
        .execute(c)
        .await?;
    Ok(())
}

async fn rotation(c: &mut Conn, it: &SecretRotation) -> Answer<()> {
    let as_seen = webhook_endpoints::table
        .find(b(&it.endpoint))
        .filter(webhook_endpoints::disabled_at.is_null())
        .filter(webhook_endpoints::secret.eq(b(&Some(it.old.sealed.clone()))));
    let rotated = update(as_seen)
        .set((
            webhook_endpoints::secret.eq(b(&Some(it.secret.sealed.clone()))),
            webhook_endpoints::secret_prefix.eq(it.secret.shown_prefix.as_str()),
            webhook_endpoints::old_secret.eq(b(&Some(it.old.sealed.clone()))),
            webhook_endpoints::old_secret_prefix.eq(b(&Some(it.old.shown_prefix.clone()))),
            webhook_endpoints::old_secret_until.eq(b(&Some(it.old_until))),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(rotated)
}

async fn replay(c: &mut Conn, it: &Replay) -> Answer<()> {
    let Replay { delivery, seen, .. } = it;
    // Held before the delivery, as by whoever claims, notes or removes: a worker that ends its lease looks for what is due under
    // this lock, and would not see a delivery that is put back beside it.
    let held = update(webhook_endpoints::table.find(b(&delivery.endpoint)))
        .set(webhook_endpoints::last_seq.eq(webhook_endpoints::last_seq))
        .execute(c)
        .await?;
    Fault::unless_one(held)?;
    let as_seen = webhook_deliveries::table.find(b(&delivery.id)).filter(webhook_deliveries::status.eq(b(seen)));
    let reset = update(as_seen)
        .set((
            webhook_deliveries::status.eq(b(&delivery.status)),
            webhook_deliveries::attempts.eq(i32::try_from(delivery.attempts).unwrap_or(i32::MAX)),
            webhook_deliveries::next_attempt_at.eq(b(&delivery.next_attempt_at)),
            webhook_deliveries::settled_at.eq(b(&delivery.settled_at)),
            webhook_deliveries::replayed_at.eq(b(&Some(delivery.waiting_since))),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(reset)?;
    delivery::wake(c, delivery.endpoint, delivery.next_attempt_at).await
}
