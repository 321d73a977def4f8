//! What is on its way to an endpoint, and sending it again.

use actix_web::web::Data;
use driftstack_domain::{
    id::{DeliveryId, EndpointId, EventId},
    policy::action::{ListDeliveries, ReplayDelivery},
    time::Timestamp,
    webhook::{Delivery, DeliveryStatus, EventType, Excerpt, ReplayError},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{NoFieldsBody, no_such_endpoint};
use crate::{
    http::{
        Body, Code, Gate, Id, Listed, Ok200, Paging, Problem, Query,
        page::{CURSOR, LIMIT},
        query::{Pairs, Parameters},
    },
    wire::Services,
};

/// An event on its way to an endpoint.
#[derive(Serialize, ToSchema)]
pub struct DeliveryView {
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

pub(super) struct Wanted {
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

pub(super) async fn deliveries(
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

pub(super) async fn replay(
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
