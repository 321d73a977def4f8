//! A device asks for its key, until it has it or the time is over.

use super::{
    Activations,
    code::{DeviceCode, DeviceState},
    noun::{Activation, Binder},
};
use crate::{
    access::Credential,
    api_key::{ApiKey, MAX_KEYS},
    audit::{Actor, AuditAction},
    change::{Capped, Change, CommitError, Effects, Guard, commits},
    id::{AccountId, ActivationId},
    policy::{Scope, ScopeSet},
    secret::ApiKeySecret,
};

/// What a device may do with its key: the account's daily work. Members, keys and the account itself are for a person.
const SCOPES: ScopeSet = ScopeSet::of(&[Scope::Read, Scope::Write]);

/// A key in place of an activation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Handover {
    pub activation: ActivationId,
    pub key: ApiKey,
    pub change: Change,
}

/// What a device is told.
#[derive(Debug)]
pub enum Exchanged {
    /// Nobody has typed the code yet.
    Pending,
    /// The key, this once.
    Bound { secret: ApiKeySecret, account: AccountId },
    /// It is over: too late, handed out before, or never there. Which one is nobody's business.
    Expired,
}

#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    #[error(
        "{held} keys of the account work, and there may be {MAX_KEYS}; revoke those that nobody uses, and ask again"
    )]
    Full { held: u32 },
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(ExchangeError);

impl Activations {
    /// Mints the key of a device whose activation is bound, and hands it out. Of two who ask at once, one gets it.
    pub async fn exchange(&self, code: &DeviceCode, state: &DeviceState) -> Result<Exchanged, ExchangeError> {
        let seen = self.store.seen_activation(&code.digest_with(state)).await.map_err(CommitError::from)?;
        let Some(seen) = seen.filter(|seen| !seen.activation.is_over(self.desk.now())) else {
            return Ok(Exchanged::Expired);
        };
        let Some(binder) = seen.binder else { return Ok(Exchanged::Pending) };
        if !binder.still_agrees() {
            return Ok(Exchanged::Expired);
        }
        let secret = ApiKeySecret::generate(self.desk.secrets.as_ref());
        match self.store.commit_handover(&self.handover(seen.activation, binder, &secret)).await {
            Ok(()) => Ok(Exchanged::Bound { secret, account: binder.account }),
            Err(CommitError::Full { held }) => Err(ExchangeError::Full { held }),
            Err(error) => Err(error.into()),
        }
    }

    fn handover(&self, activation: Activation, binder: Binder, secret: &ApiKeySecret) -> Handover {
        let credential = Some(Credential::Session(binder.session));
        let key = ApiKey::new(&self.desk, binder.account, activation.client, secret, SCOPES, None);
        let key = ApiKey { minted_with: credential, ..key };
        let actor = Actor::Customer { account: binder.account, credential };
        let entry = key.describe(&self.desk, self.desk.audit_as(actor, binder.account, AuditAction::KeyMinted));
        let guard = Guard::seen(binder.account, binder.revision);
        let guard = guard.and_room(binder.account, Capped::ApiKeys(self.desk.now()), Some(MAX_KEYS));
        Handover { activation: activation.id, key, change: Change::new(guard, Effects::audited(entry)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::AccountStatus,
        activation::{noun::SeenActivation, port::MockActivationStore},
        change::Revision,
        secret::Digest,
        testing::{desk, people},
        time::Timestamp,
    };
    use rstest::rstest;
    use std::sync::Arc;

    fn binder() -> Binder {
        Binder {
            account: people::OLIVE,
            status: AccountStatus::Active,
            revision: Revision(4),
            session: people::SESSION,
            session_ended_at: None,
        }
    }

    fn seen(expires_at: Timestamp, binder: Option<Binder>) -> SeenActivation {
        let activation = Activation {
            id: ActivationId::new(people::uuid(1)),
            device: Digest::of("device"),
            user_code: Digest::of("user"),
            client: people::name("laptop"),
            created_at: people::EARLIER,
            expires_at,
        };
        SeenActivation { activation, binder }
    }

    fn answering(seen: Option<SeenActivation>) -> MockActivationStore {
        let mut store = MockActivationStore::new();
        store.expect_seen_activation().times(1).returning(move |_| Ok(seen.clone()));
        store
    }

    async fn exchange(store: MockActivationStore) -> Result<Exchanged, ExchangeError> {
        let code = DeviceCode::parse("code").unwrap();
        let state = "0123456789abcdef".to_owned().try_into().unwrap();
        Activations::new(Arc::new(store), desk()).exchange(&code, &state).await
    }

    #[tokio::test]
    async fn a_bound_device_gets_a_key_of_whoever_bound_it() {
        let mut store = answering(Some(seen(people::LATER, Some(binder()))));
        store
            .expect_commit_handover()
            .times(1)
            .withf(|it| {
                let by = Some(Credential::Session(people::SESSION));
                let whose =
                    (it.key.account, it.key.minted_by, it.key.minted_with) == (people::OLIVE, people::OLIVE, by);
                whose
                    && it.key.name.as_str() == "laptop"
                    && it.key.scopes == ScopeSet::of(&[Scope::Read, Scope::Write])
                    && it.change.guard.accounts() == [(people::OLIVE, Revision(4))]
                    && it.change.guard.cap().is_some_and(|cap| cap.most == MAX_KEYS)
            })
            .returning(|_| Ok(()));
        let Ok(Exchanged::Bound { secret, account }) = exchange(store).await else { panic!("it is bound") };
        assert!(ApiKeySecret::parse(secret.expose()).is_some());
        assert_eq!(account, people::OLIVE);
    }

    #[tokio::test]
    async fn an_unbound_one_waits() {
        assert!(matches!(exchange(answering(Some(seen(people::LATER, None)))).await, Ok(Exchanged::Pending)));
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::over(Some(seen(people::NOW, None)))]
    #[case::not_collected(Some(seen(people::NOW, Some(binder()))))]
    #[case::suspended(Some(seen(people::LATER, Some(Binder { status: AccountStatus::Suspended, ..binder() }))))]
    #[case::deleted(Some(seen(people::LATER, Some(Binder { status: AccountStatus::Deleted, ..binder() }))))]
    #[case::signed_out(Some(seen(people::LATER, Some(Binder { session_ended_at: Some(people::NOW), ..binder() }))))]
    #[tokio::test]
    async fn no_key_is_minted(#[case] seen: Option<SeenActivation>) {
        assert!(matches!(exchange(answering(seen)).await, Ok(Exchanged::Expired)));
    }
}
