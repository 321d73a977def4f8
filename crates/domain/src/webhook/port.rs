use std::time::Duration;

use async_trait::async_trait;

use super::{
    create::EndpointCreation,
    delivery::{Delivery, DeliveryStatus, Settling},
    edit::EndpointChange,
    endpoint::{Endpoint, Tally},
    event::Message,
    remove::EndpointRemoval,
    replay::Replay,
    rotate::SecretRotation,
    test::TestPing,
    url::WebhookUrl,
};
use crate::{
    change::{CommitError, StoreError},
    id::{AccountId, DeliveryId, EndpointId, LeaseId},
    page::{Page, PageRequest},
    time::Timestamp,
};

/// The endpoints of accounts, and what was delivered to them.
///
/// Every commit with an event MUST write the event and a delivery for each endpoint of that account that is active and wants it,
/// or for the one that it is for, in the transaction of the change. What an endpoint gets MUST be numbered in the order in which
/// it was committed. A commit with an event for one endpoint MUST be `Stale` when that is not active.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Those that are not deleted, newest first.
    async fn endpoints(&self, account: AccountId) -> Result<Vec<Endpoint>, StoreError>;

    /// One of that account, also when it is deleted.
    async fn seen_endpoint(&self, account: AccountId, id: EndpointId) -> Result<Option<Endpoint>, StoreError>;

    /// One to an endpoint of that account, with the endpoint.
    async fn seen_delivery(
        &self,
        account: AccountId,
        id: DeliveryId,
    ) -> Result<Option<(Delivery, Endpoint)>, StoreError>;

    /// Newest first; positions are the numbers.
    async fn deliveries(
        &self,
        endpoint: EndpointId,
        status: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError>;

    async fn commit_endpoint_creation(&self, it: &EndpointCreation) -> Result<(), CommitError>;

    /// MUST be `Stale` when the endpoint is deleted; so must the ones below. One that is resumed MUST go on with what waits.
    async fn commit_endpoint_change(&self, it: &EndpointChange) -> Result<(), CommitError>;

    /// MUST forget the secrets, give up what waits, and have whoever delivers to it lose the lease.
    async fn commit_endpoint_removal(&self, it: &EndpointRemoval) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the endpoint still has the secret that was seen.
    async fn commit_secret_rotation(&self, it: &SecretRotation) -> Result<(), CommitError>;

    async fn commit_test_ping(&self, it: &TestPing) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the delivery still has the status that was seen.
    async fn commit_replay(&self, it: &Replay) -> Result<(), CommitError>;
}

/// Somebody asks for an endpoint to deliver to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub holder: LeaseId,
    pub now: Timestamp,
    /// The end of the lease.
    pub until: Timestamp,
    /// So many deliveries at the most, and as many that are too late.
    pub limit: u16,
    /// What has waited since before then is too late.
    pub too_late: Timestamp,
    /// What is noted on that.
    pub why: &'static str,
}

/// An endpoint that somebody delivers to, and nobody else until the lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    pub endpoint: Endpoint,
    pub holder: LeaseId,
    /// So many had waited for too long.
    pub given_up: u32,
    /// In the order in which they are to be sent.
    pub deliveries: Vec<ClaimedDelivery>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedDelivery {
    pub id: DeliveryId,
    /// Those that have failed.
    pub attempts: u32,
    /// Since when it could have been sent.
    pub due_at: Timestamp,
    pub message: Message,
}

/// What somebody who delivers has to note.
#[derive(Debug, Clone, PartialEq)]
pub struct Marks {
    pub endpoint: EndpointId,
    pub holder: LeaseId,
    pub settlings: Vec<Settling>,
    /// Of the endpoint, with them.
    pub tally: Tally,
    /// The lease ends then, which may lie ahead, and what was claimed but not sent waits again. The endpoint MUST NOT be claimed
    /// earlier, whatever is written meanwhile: whoever was due by then comes first.
    pub ends: Option<Timestamp>,
}

/// The deliveries that wait.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait DeliveryQueue: Send + Sync {
    /// Takes the active endpoint that has been due for longest, with some of its due deliveries; nobody else gets that endpoint
    /// before the lease is over, unless it is ended.
    ///
    /// MUST claim atomically, and first give up what is too late, in the tally too; as long as there may be more of it, nothing is
    /// handed out. Of the rest, what was claimed under a lease that ran out comes first, then [by turns](super::by_turns) what has
    /// failed and is due again, in that order, and what was never sent, in the order of its numbers.
    async fn claim_endpoint(&self, claim: &Claim) -> Result<Option<Claimed>, StoreError>;

    /// Answers with the endpoint as it is now: it may have been paused, or have another URL or secret. MUST note nothing for
    /// somebody who does not hold the lease, as somebody else has the endpoint or it is deleted, and answer `None`.
    async fn mark(&self, marks: &Marks) -> Result<Option<Endpoint>, StoreError>;

    /// How many deliveries are neither delivered nor given up.
    async fn waiting(&self) -> Result<u32, StoreError>;

    /// Forgets up to `limit` deliveries that were settled before then, events that nobody is told of any more, as many endpoints
    /// that were deleted before then and of whose deliveries none is left, and secrets whose time is over at `now`. Answers
    /// whether there may be more.
    async fn forget(&self, over_before: Timestamp, now: Timestamp, limit: u16) -> Result<bool, StoreError>;

    /// Resolves when there may be something to claim. MAY resolve without cause.
    async fn event_written(&self);
}

/// One request to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    pub url: WebhookUrl,
    /// By their lower-case names.
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// What an endpoint answered. There is a status as soon as the head is there, whatever becomes of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    pub status: u16,
    /// The beginning of the body, as it came.
    pub start: Vec<u8>,
}

/// Why there was no answer. It is shown to the owner of the endpoint, so it says nothing of the inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CourierError {
    #[error("the URL leads to an address that is not on the public internet")]
    NotPublic,
    #[error("the name of the host could not be resolved")]
    NoAddress,
    #[error("the host could not be connected to")]
    NoConnection,
    #[error("the TLS handshake failed; the certificate must be valid for the name")]
    Tls,
    #[error("there was no answer in time")]
    TimedOut,
    #[error("the answer was not HTTP, or had too much in its head, or broke off")]
    Broken,
    /// Ours: there was nothing to sign with.
    #[error("the delivery could not be signed; rotate the secret of the endpoint")]
    Unsigned,
}

/// Why nothing was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotHanded {
    /// There is no room here to ask. It is no attempt, and the owner of the endpoint is not told.
    #[error("nobody was asked: too much is under way")]
    NotAsked,
    #[error(transparent)]
    Failed(#[from] CourierError),
}

/// For the whole of a delivery: the look-up, the connection, the request and the answer.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// Hands deliveries over.
///
/// An implementation MUST be done within [`ANSWERED_WITHIN`], whatever the receiver does, and hold bounded memory. It MUST look at
/// the address of every connection that it opens, and connect to that very address; MUST NOT follow redirects, and MUST NOT use
/// a proxy of the environment.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Courier: Send + Sync {
    async fn hand(&self, parcel: &Parcel) -> Result<Handed, NotHanded>;
}
