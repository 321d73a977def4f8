use std::time::Duration;

use crate::{
    account::AccountStatus,
    change::Revision,
    id::{AccountId, ActivationId, WebSessionId},
    name::Name,
    secret::Digest,
    time::{MINUTE, Timestamp},
};

/// Somebody has so long to type the code.
pub const ACTIVATION_LIFE: Duration = MINUTE.saturating_mul(10);

/// From then on the device has so long to collect its key.
pub const COLLECTION_LIFE: Duration = MINUTE.saturating_mul(2);

/// A device that waits for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    pub id: ActivationId,
    /// Of the device's code and its state together.
    pub device: Digest,
    pub user_code: Digest,
    /// What the device calls itself. Whoever binds it is told.
    pub client: Name,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Who has bound an activation, and how they stand now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binder {
    pub account: AccountId,
    pub status: AccountStatus,
    pub revision: Revision,
    pub session: WebSessionId,
    /// When the session that bound it was ended, if it was.
    pub session_ended_at: Option<Timestamp>,
}

/// An activation as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenActivation {
    pub activation: Activation,
    pub binder: Option<Binder>,
}

impl Activation {
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

impl Binder {
    /// Whether what they allowed still counts: whoever signs out or is suspended takes it back.
    pub(super) fn still_agrees(&self) -> bool {
        self.status == AccountStatus::Active && self.session_ended_at.is_none()
    }
}
