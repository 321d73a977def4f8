//! The webhook endpoints of a workspace, and what is delivered to them.

mod delivery;
mod endpoint;
mod ping;
mod secret;
mod view;

pub(super) use self::{delivery::DeliveryView, view::EndpointView};

use actix_web::http::Method;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{Api, Problem};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/v1/webhooks", endpoint::create)
        .route(Method::GET, "/v1/webhooks", endpoint::list)
        .route(Method::GET, "/v1/webhooks/{id}", endpoint::read)
        .route(Method::PATCH, "/v1/webhooks/{id}", endpoint::edit)
        .route(Method::DELETE, "/v1/webhooks/{id}", endpoint::remove)
        .route(Method::POST, "/v1/webhooks/{id}/rotate-secret", secret::rotate)
        .route(Method::POST, "/v1/webhooks/{id}/test", ping::test)
        .route(Method::GET, "/v1/webhooks/{id}/deliveries", delivery::deliveries)
        .route(Method::POST, "/v1/webhook-deliveries/{id}/replay", delivery::replay)
}

/// Nothing is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoFieldsBody {}

fn no_such_endpoint() -> Problem {
    Problem::not_found("no such webhook endpoint")
}
