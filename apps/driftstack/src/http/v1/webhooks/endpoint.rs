//! Registering, reading, changing and deleting endpoints.

use actix_web::web::Data;
use driftstack_domain::{
    account::Edit,
    id::EndpointId,
    idempotency::Creation,
    policy::action::{CreateEndpoint, DeleteEndpoint, EditEndpoint, ListEndpoints, ReadEndpoint},
    webhook::{
        CreateEndpointError, Description, EditEndpointError, EndpointEdit, EndpointOrder, EventType,
        RemoveEndpointError,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    no_such_endpoint,
    view::{CreatedEndpointView, EndpointView},
};
use crate::{
    http::{Body, Code, Created, Gate, Id, NewBody, NoContent, Ok200, Once, Problem},
    wire::Services,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointBody {
    /// `https` alone, to a host on the public internet.
    url: String,
    /// At least one type.
    #[schema(value_type = Vec<String>)]
    events: Vec<EventType>,
    /// 1 to 200 characters.
    #[schema(value_type = Option<String>)]
    description: Option<Description>,
}

pub(super) async fn create(
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
pub(super) struct EndpointsView {
    data: Vec<EndpointView>,
}

pub(super) async fn list(gate: Gate<ListEndpoints>, services: Data<Services>) -> Result<Ok200<EndpointsView>, Problem> {
    let (endpoints, now) = (services.webhooks.list(gate.permit()).await?, services.clock.now());
    let data = endpoints.into_iter().map(|endpoint| EndpointView::new(endpoint, now)).collect();
    Ok(Ok200(EndpointsView { data }))
}

pub(super) async fn read(
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
pub(super) struct EndpointEditBody {
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

pub(super) async fn edit(
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

pub(super) async fn remove(
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
