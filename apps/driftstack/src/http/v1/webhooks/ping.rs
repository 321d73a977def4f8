//! An event that tries an endpoint out.

use actix_web::web::Data;
use driftstack_domain::{
    id::{DeliveryId, EndpointId, EventId},
    idempotency::Creation,
    policy::action::TestEndpoint,
    webhook::{EventType, Ping, TestError},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::NoFieldsBody;
use crate::{
    http::{Code, Gate, Id, NewBody, Once, Problem, answer::Accepted},
    wire::Services,
};

/// What is on its way.
#[derive(Serialize, ToSchema)]
pub(super) struct PingView {
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

pub(super) async fn test(
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
