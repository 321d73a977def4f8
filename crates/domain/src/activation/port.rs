use async_trait::async_trait;

use super::{
    bind::Binding,
    exchange::Handover,
    noun::{Activation, SeenActivation},
};
use crate::{
    change::{CommitError, StoreError},
    secret::Digest,
    time::Timestamp,
};

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ActivationStore: Send + Sync {
    /// MUST be `Stale` when another activation has the user code.
    async fn begin_activation(&self, it: &Activation) -> Result<(), CommitError>;

    /// The activation with that user code that nobody has bound, whether or not it is over.
    async fn unbound_activation(&self, user_code: &Digest) -> Result<Option<Activation>, StoreError>;

    /// The activation of a device, whether or not it is over.
    async fn seen_activation(&self, device: &Digest) -> Result<Option<SeenActivation>, StoreError>;

    /// MUST be `Stale` unless the activation is there and nobody has bound it.
    async fn commit_binding(&self, it: &Binding) -> Result<(), CommitError>;

    /// MUST forget the activation, and MUST be `Stale` unless it is there.
    async fn commit_handover(&self, it: &Handover) -> Result<(), CommitError>;

    /// Forgets up to `limit` activations that are over at `now`; answers how many there were.
    async fn forget_activations(&self, now: Timestamp, limit: u16) -> Result<usize, StoreError>;
}
