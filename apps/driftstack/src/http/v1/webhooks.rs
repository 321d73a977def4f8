//! The webhook endpoints of a workspace, and what is delivered to them.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    account::Edit,
    id::{DeliveryId, EndpointId, EventId},
    idempotency::Creation,
    policy::action::{
        CreateEndpoint, DeleteEndpoint, EditEndpoint, ListDeliveries, ListEndpoints, ReadEndpoint, ReplayDelivery,
        RotateSecret, TestEndpoint,
    },
    time::Timestamp,
    webhook::{
        CreateEndpointError, CreatedEndpoint, Delivery, DeliveryStatus, Description, EditEndpointError, Endpoint,
        EndpointEdit, EndpointOrder, EventType, Excerpt, Ping, RemoveEndpointError, ReplayError, RotateSecretError,
        RotatedSecret, TestError,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{
        Api, Body, Code, Created, Gate, Id, Listed, NewBody, NoContent, Ok200, Once, Paging, Problem, Query,
        answer::Accepted, page::CURSOR, page::LIMIT, query::Pairs, query::Parameters,
    },
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/webhooks", create)
        .route(Method::GET, "/v1/webhooks", list)
        .route(Method::GET, "/v1/webhooks/{id}", read)
        .route(Method::PATCH, "/v1/webhooks/{id}", edit)
        .route(Method::DELETE, "/v1/webhooks/{id}", remove)
        .route(Method::POST, "/v1/webhooks/{id}/rotate-secret", rotate)
        .route(Method::POST, "/v1/webhooks/{id}/test", test)
        .route(Method::GET, "/v1/webhooks/{id}/deliveries", deliveries)
        .route(Method::POST, "/v1/webhook-deliveries/{id}/replay", replay)
}

/// What deliveries have come to since the endpoint was made.
#[derive(Serialize, ToSchema)]
struct DeliveryCountsView {
    /// Deliveries that arrived.
    delivered: i64,
    /// Attempts that failed.
    failed: i64,
    /// Deliveries that were given up.
    dlq: i64,
}

/// An endpoint, without its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct EndpointView {
    #[schema(value_type = String)]
    id: EndpointId,
    url: String,
    /// The first characters of the secret.
    secret_prefix: String,
    /// Of the secret before it, while that signs along.
    prev_secret_prefix: Option<String>,
    /// Until then every delivery is signed with both.
    #[schema(value_type = Option<String>, format = "date-time")]
    rotation_grace_expires_at: Option<Timestamp>,
    events: Vec<&'static str>,
    description: Option<String>,
    /// False: it is paused, or deleted.
    active: bool,
    consecutive_failures: i64,
    #[schema(value_type = Option<String>, format = "date-time")]
    last_success_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    last_failure_at: Option<Timestamp>,
    /// When it was deleted.
    #[schema(value_type = Option<String>, format = "date-time")]
    disabled_at: Option<Timestamp>,
    delivery_counts: DeliveryCountsView,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl EndpointView {
    pub(super) fn new(endpoint: Endpoint, now: Timestamp) -> Self {
        let old = endpoint.rotating(now).map(|(secret, until)| (secret.shown_prefix.clone(), until));
        let (prev_secret_prefix, rotation_grace_expires_at) = old.unzip();
        Self {
            id: endpoint.id,
            url: endpoint.url.to_string(),
            secret_prefix: endpoint.secret.map(|secret| secret.shown_prefix).unwrap_or_default(),
            prev_secret_prefix,
            rotation_grace_expires_at,
            events: endpoint.subscription.kinds().iter().map(|kind| kind.as_str()).collect(),
            description: endpoint.description.map(Into::into),
            active: endpoint.active,
            consecutive_failures: endpoint.tally.consecutive_failures,
            last_success_at: endpoint.tally.last_success_at,
            last_failure_at: endpoint.tally.last_failure_at,
            disabled_at: endpoint.disabled_at,
            delivery_counts: DeliveryCountsView {
                delivered: endpoint.tally.delivered,
                failed: endpoint.tally.failed,
                dlq: endpoint.tally.dlq,
            },
            created_at: endpoint.created_at,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndpointBody {
    /// `https` alone, to a host on the public internet.
    url: String,
    /// At least one type.
    #[schema(value_type = Vec<String>)]
    events: Vec<EventType>,
    /// 1 to 200 characters.
    #[schema(value_type = Option<String>)]
    description: Option<Description>,
}

#[derive(Serialize, ToSchema)]
struct CreatedEndpointView {
    #[serde(flatten)]
    endpoint: EndpointView,
    /// What deliveries are signed with. It is shown now and never again.
    secret: String,
}

impl CreatedEndpointView {
    fn new(created: CreatedEndpoint, now: Timestamp) -> Self {
        Self { secret: created.secret.expose().to_owned(), endpoint: EndpointView::new(created.endpoint, now) }
    }
}

async fn create(
    gate: Gate<CreateEndpoint>,
    services: Data<Services>,
    new: NewBody<EndpointBody>,
) -> Result<Once<Created<CreatedEndpointView>>, Problem> {
    let EndpointBody { url, events, description } = new.body;
    let (order, now) = (EndpointOrder { url, events, description }, services.clock.now());
    let create = async |by: Creation<'_, _, _>| services.webhooks.create(by, order.clone()).await;
    gate.create(&new.repeatable, create, |created| Created(CreatedEndpointView::new(created.clone(), now))).await
}

impl From<CreateEndpointError> for Problem {
    fn from(error: CreateEndpointError) -> Self {
        match error {
            CreateEndpointError::Url(why) => Self::invalid("url", why),
            CreateEndpointError::Events(why) => Self::invalid("events", why),
            CreateEndpointError::TooMany => Self::new(Code::Conflict, error),
            CreateEndpointError::Commit(error) => error.into(),
        }
    }
}

/// There are at most ten, so there are no pages.
#[derive(Serialize, ToSchema)]
struct EndpointsView {
    data: Vec<EndpointView>,
}

async fn list(gate: Gate<ListEndpoints>, services: Data<Services>) -> Result<Ok200<EndpointsView>, Problem> {
    let (endpoints, now) = (services.webhooks.list(gate.permit()).await?, services.clock.now());
    let data = endpoints.into_iter().map(|endpoint| EndpointView::new(endpoint, now)).collect();
    Ok(Ok200(EndpointsView { data }))
}

fn no_such_endpoint() -> Problem {
    Problem::not_found("no such webhook endpoint")
}

async fn read(
    gate: Gate<ReadEndpoint>,
    services: Data<Services>,
    id: Id<EndpointId>,
) -> Result<Ok200<EndpointView>, Problem> {
    let endpoint = services.webhooks.read(gate.permit(), id.0).await?.ok_or_else(no_such_endpoint)?;
    Ok(Ok200(EndpointView::new(endpoint, services.clock.now())))
}

/// Any of them, at least one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndpointEditBody {
    url: Option<String>,
    #[schema(value_type = Option<Vec<String>>)]
    events: Option<Vec<EventType>>,
    /// Null clears.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    description: Edit<Description>,
    /// False pauses, true resumes.
    active: Option<bool>,
}

async fn edit(
    gate: Gate<EditEndpoint>,
    services: Data<Services>,
    id: Id<EndpointId>,
    body: Body<EndpointEditBody>,
) -> Result<Ok200<EndpointView>, Problem> {
    let EndpointEditBody { url, events, description, active } = body.0;
    let edit = EndpointEdit { url, events, description, active };
    let endpoint = gate.change(async |by| services.webhooks.edit(by, id.0, edit.clone()).await).await?;
    Ok(Ok200(EndpointView::new(endpoint, services.clock.now())))
}

impl From<EditEndpointError> for Problem {
    fn from(error: EditEndpointError) -> Self {
        match error {
            EditEndpointError::NotFound => Self::not_found(error),
            EditEndpointError::Deleted => Self::new(Code::Conflict, error),
            EditEndpointError::NothingToChange => Self::invalid("", error),
            EditEndpointError::Url(why) => Self::invalid("url", why),
            EditEndpointError::Events(why) => Self::invalid("events", why),
            EditEndpointError::Commit(error) => error.into(),
        }
    }
}

async fn remove(
    gate: Gate<DeleteEndpoint>,
    services: Data<Services>,
    id: Id<EndpointId>,
) -> Result<NoContent, Problem> {
    gate.change(async |by| services.webhooks.remove(by, id.0).await).await?;
    Ok(NoContent)
}

impl From<RemoveEndpointError> for Problem {
    fn from(error: RemoveEndpointError) -> Self {
        match error {
            RemoveEndpointError::NotFound => Self::not_found(error),
            RemoveEndpointError::Commit(error) => error.into(),
        }
    }
}

/// Nothing is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoFieldsBody {}

#[derive(Serialize, ToSchema)]
struct RotatedSecretView {
    #[serde(flatten)]
    created: CreatedEndpointView,
    /// The secret before it signs along until then.
    #[schema(value_type = String, format = "date-time")]
    grace_expires_at: Timestamp,
}

impl RotatedSecretView {
    fn new(rotated: RotatedSecret, now: Timestamp) -> Self {
        let RotatedSecret { endpoint, secret, grace_ends_at } = rotated;
        Self {
            created: CreatedEndpointView::new(CreatedEndpoint { endpoint, secret }, now),
            grace_expires_at: grace_ends_at,
        }
    }
}

async fn rotate(
    gate: Gate<RotateSecret>,
    services: Data<Services>,
    id: Id<EndpointId>,
    new: NewBody<NoFieldsBody>,
) -> Result<Once<Ok200<RotatedSecretView>>, Problem> {
    let now = services.clock.now();
    let rotate = async |by: Creation<'_, _, _>| services.webhooks.rotate_secret(by, id.0).await;
    gate.create(&new.repeatable, rotate, |rotated| Ok200(RotatedSecretView::new(rotated.clone(), now))).await
}

impl From<RotateSecretError> for Problem {
    fn from(error: RotateSecretError) -> Self {
        match error {
            RotateSecretError::NotFound => Self::not_found(error),
            RotateSecretError::Deleted => Self::new(Code::Conflict, error),
            RotateSecretError::Commit(error) => error.into(),
        }
    }
}

/// What is on its way.
#[derive(Serialize, ToSchema)]
struct PingView {
    #[schema(value_type = String)]
    delivery_id: DeliveryId,
    #[schema(value_type = String)]
    event_id: EventId,
    /// `test.ping`.
    #[schema(value_type = String)]
    event_type: EventType,
}

impl From<Ping> for PingView {
    fn from(ping: Ping) -> Self {
        Self { delivery_id: ping.delivery, event_id: ping.event, event_type: ping.kind }
    }
}

async fn test(
    gate: Gate<TestEndpoint>,
    services: Data<Services>,
    id: Id<EndpointId>,
    new: NewBody<NoFieldsBody>,
) -> Result<Once<Accepted<PingView>>, Problem> {
    let test = async |by: Creation<'_, _, _>| services.webhooks.test(by, id.0).await;
    gate.create(&new.repeatable, test, |ping| Accepted((*ping).into())).await
}

impl From<TestError> for Problem {
    fn from(error: TestError) -> Self {
        match error {
            TestError::NotFound => Self::not_found(error),
            TestError::Deleted | TestError::Paused => Self::new(Code::Conflict, error),
            TestError::Commit(error) => error.into(),
        }
    }
}

/// An event on its way to an endpoint.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryView {
    #[schema(value_type = String)]
    id: DeliveryId,
    #[schema(value_type = String)]
    webhook_id: EndpointId,
    #[schema(value_type = String)]
    event_id: EventId,
    #[schema(value_type = String)]
    event_type: EventType,
    /// `pending`, `in_flight`, `delivered`, `failed` (there will be another attempt) or `dlq` (it was given up).
    #[schema(value_type = String)]
    status: DeliveryStatus,
    attempts: u32,
    /// When there is none: when the last one was.
    #[schema(value_type = String, format = "date-time")]
    next_attempt_at: Timestamp,
    last_response_status: Option<u16>,
    /// The beginning of what the endpoint answered, without control characters.
    last_response_excerpt: Option<String>,
    last_error: Option<String>,
    #[schema(value_type = Option<String>, format = "date-time")]
    delivered_at: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            webhook_id: delivery.endpoint,
            event_id: delivery.event,
            event_type: delivery.kind,
            status: delivery.status,
            attempts: delivery.attempts,
            next_attempt_at: delivery.next_attempt_at,
            last_response_status: delivery.last_response_status,
            last_response_excerpt: delivery.last_response_excerpt.as_ref().map(Excerpt::to_string),
            last_error: delivery.last_error.clone(),
            delivered_at: delivery.delivered_at(),
            created_at: delivery.created_at,
        }
    }
}

struct Wanted {
    status: Option<DeliveryStatus>,
    paging: Paging,
}

impl Parameters for Wanted {
    const KNOWN: &'static [(&'static str, &'static str)] =
        &[LIMIT, CURSOR, ("status", "Only those that are `pending`, `in_flight`, `delivered`, `failed` or `dlq`.")];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        Ok(Self { status: query.parsed("status")?, paging: Paging::read(query)? })
    }
}

async fn deliveries(
    gate: Gate<ListDeliveries>,
    services: Data<Services>,
    id: Id<EndpointId>,
    wanted: Query<Wanted>,
) -> Result<Ok200<Listed<DeliveryView>>, Problem> {
    let Query(Wanted { status, paging }) = wanted;
    let webhooks = &services.webhooks;
    paging
        .answer_if(&gate, async |by, page| webhooks.deliveries(by, id.0, status, page).await)
        .await?
        .ok_or_else(no_such_endpoint)
}

async fn replay(
    gate: Gate<ReplayDelivery>,
    services: Data<Services>,
    id: Id<DeliveryId>,
    _: Body<NoFieldsBody>,
) -> Result<Ok200<DeliveryView>, Problem> {
    let delivery = gate.change(async |by| services.webhooks.replay(by, id.0).await).await?;
    Ok(Ok200(delivery.into()))
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::NotFound => Self::not_found(error),
            ReplayError::EndpointDeleted => Self::new(Code::Conflict, error),
            ReplayError::Commit(error) => error.into(),
        }
    }
}
