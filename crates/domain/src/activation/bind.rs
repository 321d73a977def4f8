//! Somebody types the user code of a device, and so gives it a key.

use super::{
    Activations,
    code::UserCode,
    noun::{Activation, COLLECTION_LIFE},
};
use crate::{
    access::Credential,
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::{AccountId, ActivationId, WebSessionId},
    idempotency::Creation,
    name::Name,
    policy::action::BindDevice,
    time::Timestamp,
};

/// An activation that is bound to an account.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Binding {
    pub activation: ActivationId,
    pub account: AccountId,
    pub session: WebSessionId,
    /// The device has until then to collect its key.
    pub expires_at: Timestamp,
    pub change: Change,
}

/// What whoever typed the code is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub client: Name,
    pub expires_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The same for a code that never was, one that is over and one that somebody has typed before.
    #[error("no device waits with this code; check it, or start again on the device")]
    NoSuchDevice,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(BindError);

impl Activations {
    /// Binds the device that shows this code to the caller's account. Of two who try at once, one has it.
    pub async fn bind<'a>(
        &self,
        by: impl Into<Creation<'a, BindDevice, Bound>>,
        code: &UserCode,
    ) -> Result<Bound, BindError> {
        let by = by.into();
        // The policy lets nobody in here but a session.
        let Credential::Session(session) = by.access().credential else { return Err(BindError::NoSuchDevice) };
        let now = self.desk.now();
        let seen: Option<Activation> = self.store.unbound_activation(&code.digest()).await?;
        let seen = seen.filter(|seen| !seen.is_over(now)).ok_or(BindError::NoSuchDevice)?;
        let bound = Bound { client: seen.client, expires_at: now.plus(COLLECTION_LIFE) };
        let entry = self.desk.audit(&by, AuditAction::DeviceBound);
        let entry = entry.with_personal(&self.desk, "client", bound.client.as_str());
        let it = Binding {
            activation: seen.id,
            account: by.workspace(),
            session,
            expires_at: bound.expires_at,
            change: Change::new(&*by, Effects::audited(entry)).keeping(by.answer(&self.desk, &bound)),
        };
        self.store.commit_binding(&it).await?;
        Ok(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{Access, Permit},
        activation::port::MockActivationStore,
        policy::{Scope, ScopeSet},
        secret::Digest,
        testing::{desk, people},
        time::MINUTE,
    };
    use rstest::rstest;
    use std::sync::Arc;

    fn code() -> UserCode {
        UserCode::parse("BCDF-GHJK").unwrap()
    }

    fn waiting(expires_at: Timestamp) -> Activation {
        Activation {
            id: ActivationId::new(people::uuid(1)),
            device: Digest::of("device"),
            user_code: code().digest(),
            client: people::name("laptop"),
            created_at: people::EARLIER,
            expires_at,
        }
    }

    fn store(seen: Option<Activation>) -> MockActivationStore {
        let mut store = MockActivationStore::new();
        store.expect_unbound_activation().withf(|it| *it == code().digest()).returning(move |_| Ok(seen.clone()));
        store
    }

    #[tokio::test]
    async fn a_bound_device_has_two_minutes() {
        let mut store = store(Some(waiting(people::NOW.plus(MINUTE))));
        store
            .expect_commit_binding()
            .times(1)
            .withf(|it| {
                it.account == people::OLIVE && it.session == people::SESSION && it.change.effects.audit.len() == 1
            })
            .returning(|_| Ok(()));
        let bound = Activations::new(Arc::new(store), desk()).bind(&people::permit(), &code()).await.unwrap();
        assert_eq!(bound, Bound { client: people::name("laptop"), expires_at: people::NOW.plus(MINUTE * 2) });
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::over(Some(waiting(people::NOW)))]
    #[tokio::test]
    async fn no_such_device(#[case] seen: Option<Activation>) {
        let refused = Activations::new(Arc::new(store(seen)), desk()).bind(&people::permit(), &code()).await;
        assert!(matches!(refused, Err(BindError::NoSuchDevice)), "{refused:?}");
    }

    #[tokio::test]
    async fn a_key_binds_nothing() {
        let key = Credential::Key(crate::id::ApiKeyId::new(people::uuid(2)));
        let by = Permit::unchecked(Access::at_home(people::OLIVE, key, ScopeSet::of(&[Scope::AccountOwner])));
        let store = store(Some(waiting(people::LATER)));
        assert!(Activations::new(Arc::new(store), desk()).bind(&by, &code()).await.is_err());
    }
}
