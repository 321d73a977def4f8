//! A device begins.

use super::{
    Activations,
    code::{DeviceCode, DeviceState, UserCode},
    noun::{ACTIVATION_LIFE, Activation},
};
use crate::{change::CommitError, id::ActivationId, name::Name, time::Timestamp};

/// What a device is told.
#[derive(Debug)]
pub struct Initiated {
    pub code: DeviceCode,
    pub user_code: UserCode,
    pub expires_at: Timestamp,
}

impl Activations {
    /// Begins an activation. Should the user code be taken, it is `Stale`, and the next attempt makes another one.
    pub async fn initiate(&self, state: &DeviceState, client: Option<Name>) -> Result<Initiated, CommitError> {
        let now = self.desk.now();
        let (code, user_code) =
            (DeviceCode::generate(self.desk.secrets.as_ref()), UserCode::generate(self.desk.secrets.as_ref()));
        let expires_at = now.plus(ACTIVATION_LIFE);
        let it = Activation {
            id: ActivationId::new(self.desk.ids.next()),
            device: code.digest_with(state),
            user_code: user_code.digest(),
            client: client.unwrap_or_else(Name::of_a_device_without_one),
            created_at: now,
            expires_at,
        };
        self.store.begin_activation(&it).await?;
        Ok(Initiated { code, user_code, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        activation::port::MockActivationStore,
        testing::{desk, people},
        time::MINUTE,
    };
    use std::sync::Arc;

    #[tokio::test]
    async fn codes_are_stored_as_digests() {
        let state: DeviceState = "0123456789abcdef".to_owned().try_into().unwrap();
        let mut store = MockActivationStore::new();
        store
            .expect_begin_activation()
            .times(1)
            .withf(|it| it.client.as_str() == "Command line" && it.expires_at == people::NOW.plus(MINUTE * 10))
            .returning(|_| Ok(()));
        let begun = Activations::new(Arc::new(store), desk()).initiate(&state, None).await.unwrap();
        assert_eq!(begun.expires_at, people::NOW.plus(MINUTE * 10));
        assert_eq!(UserCode::parse(&begun.user_code.to_string()), Some(begun.user_code));
    }
}
