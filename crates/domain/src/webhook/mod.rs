//! Webhooks: what happens on an account, told to a URL of its choice.
//!
//! An event is a row of the transaction that causes it, as is a delivery for each endpoint that wants to hear of it. A
//! [`Dispatcher`] delivers them: at least once, to each endpoint one after the other, and again on a [schedule](SCHEDULE) where
//! that fails.

mod address;
mod create;
mod delivery;
mod description;
mod dispatch;
mod edit;
mod endpoint;
mod event;
mod excerpt;
mod port;
mod remove;
mod replay;
mod rotate;
mod signing;
mod test;
mod told;
mod turns;
mod url;

pub use address::is_public;
pub use create::{CreateEndpointError, CreatedEndpoint, EndpointCreation, EndpointOrder};
pub use delivery::{
    Arrival, Delivery, DeliveryStatus, DeliveryStatusError, MAX_DELIVERY_ATTEMPTS, MAX_WAIT, SCHEDULE, Settling,
};
pub use description::{Description, DescriptionError};
pub use dispatch::{Batch, DispatchRound, Dispatcher};
pub use edit::{EditEndpointError, EndpointChange, EndpointEdit};
pub use endpoint::{Endpoint, MAX_ENDPOINTS, SharedSecret, Tally, WebhookSecret};
pub use event::{Event, EventData, EventType, EventTypeError, Message, Subscription, SubscriptionError};
pub use excerpt::Excerpt;
pub use port::{
    ANSWERED_WITHIN, Claim, Claimed, ClaimedDelivery, Courier, CourierError, DeliveryQueue, Handed, Marks, NotHanded,
    Parcel, WebhookStore,
};
#[cfg(feature = "testing")]
pub use port::{MockCourier, MockDeliveryQueue, MockWebhookStore};
pub use remove::{EndpointRemoval, RemoveEndpointError};
pub use replay::{Replay, ReplayError};
pub use rotate::{RotateSecretError, RotatedSecret, SECRET_GRACE, SecretRotation};
pub use signing::{SignatureHeader, sign};
pub use test::{Ping, TestError, TestPing};
pub use told::forget_member;
pub use turns::by_turns;
pub use url::{Reach, UrlError, WebhookUrl};

use std::sync::Arc;

use crate::{
    access::Permit,
    change::StoreError,
    desk::Desk,
    id::EndpointId,
    page::{Page, PageRequest},
    policy::action::{ListDeliveries, ListEndpoints, ReadEndpoint},
};

/// The webhook endpoints of a workspace.
pub struct Webhooks {
    store: Arc<dyn WebhookStore>,
    reach: Reach,
    desk: Desk,
}

impl Webhooks {
    pub fn new(store: Arc<dyn WebhookStore>, reach: Reach, desk: Desk) -> Self {
        Self { store, reach, desk }
    }

    /// All of them but the deleted ones, newest first: there are few.
    pub async fn list(&self, by: &Permit<ListEndpoints>) -> Result<Vec<Endpoint>, StoreError> {
        self.store.endpoints(by.workspace()).await
    }

    /// Also one that was deleted.
    pub async fn read(&self, by: &Permit<ReadEndpoint>, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.store.seen_endpoint(by.workspace(), id).await
    }

    /// Newest first; `None` when there is no such endpoint.
    pub async fn deliveries(
        &self,
        by: &Permit<ListDeliveries>,
        id: EndpointId,
        status: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Option<Page<Delivery>>, StoreError> {
        if self.store.seen_endpoint(by.workspace(), id).await?.is_none() {
            return Ok(None);
        }
        self.store.deliveries(id, status, page).await.map(Some)
    }
}
