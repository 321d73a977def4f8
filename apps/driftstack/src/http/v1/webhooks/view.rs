//! An endpoint as its owner sees it.

use driftstack_domain::{
    id::EndpointId,
    time::Timestamp,
    webhook::{CreatedEndpoint, Endpoint},
};
use serde::Serialize;
use utoipa::ToSchema;

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
pub struct EndpointView {
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
    pub fn new(endpoint: Endpoint, now: Timestamp) -> Self {
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

#[derive(Serialize, ToSchema)]
pub(super) struct CreatedEndpointView {
    #[serde(flatten)]
    endpoint: EndpointView,
    /// What deliveries are signed with. It is shown now and never again.
    secret: String,
}

impl CreatedEndpointView {
    pub(super) fn new(created: CreatedEndpoint, now: Timestamp) -> Self {
        Self { secret: created.secret.expose().to_owned(), endpoint: EndpointView::new(created.endpoint, now) }
    }
}
