//! Another secret for an endpoint.

use actix_web::web::Data;
use driftstack_domain::{
    id::EndpointId,
    idempotency::Creation,
    policy::action::RotateSecret,
    time::Timestamp,
    webhook::{CreatedEndpoint, RotateSecretError, RotatedSecret},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{NoFieldsBody, view::CreatedEndpointView};
use crate::{
    http::{Code, Gate, Id, NewBody, Ok200, Once, Problem},
    wire::Services,
};

#[derive(Serialize, ToSchema)]
pub(super) struct RotatedSecretView {
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

pub(super) async fn rotate(
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
