//! Giving a program on another device a key, without typing one: the device-code flow (RFC 8628).
//!
//! The device begins, and shows a short user code. Somebody who is signed in types that code elsewhere, and so binds the
//! activation to their account. The device asks until it is told its key.
//!
//! The key is minted when it is handed out, not when it is bound. So no key waits anywhere, sealed or not, and a device that
//! never comes back leaves none behind.

mod bind;
mod code;
mod exchange;
mod initiate;
mod noun;
mod port;

pub use bind::{BindError, Binding, Bound};
pub use code::{DeviceCode, DeviceState, StateError, UserCode};
pub use exchange::{ExchangeError, Exchanged, Handover};
pub use initiate::Initiated;
pub use noun::{ACTIVATION_LIFE, Activation, Binder, COLLECTION_LIFE, SeenActivation};
pub use port::ActivationStore;
#[cfg(feature = "testing")]
pub use port::MockActivationStore;

use std::sync::Arc;

use crate::{change::StoreError, desk::Desk};

/// Activations of devices.
pub struct Activations {
    store: Arc<dyn ActivationStore>,
    desk: Desk,
}

/// Activations that are forgotten at once: few enough to hold nobody up.
const BATCH: u16 = 500;

impl Activations {
    pub fn new(store: Arc<dyn ActivationStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    /// Forgets activations that came to nothing; `true` when there may be more of them.
    pub async fn sweep(&self) -> Result<bool, StoreError> {
        Ok(self.store.forget_activations(self.desk.now(), BATCH).await? >= usize::from(BATCH))
    }
}
