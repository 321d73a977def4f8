//! Minting a key.

use super::{
    ApiKeys, KeyPrefix,
    noun::{ApiKey, Refused, not_to_be_granted},
};
use crate::{
    audit::{AuditAction, AuditDraft},
    change::{Capped, Change, CommitError, Effects, Guard, commits},
    desk::Desk,
    idempotency::Creation,
    name::Name,
    policy::{Scope, ScopeSet, action::MintKey},
    secret::ApiKeySecret,
    time::Timestamp,
};

/// What somebody wants on a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOrder {
    pub name: Name,
    pub scopes: ScopeSet,
    /// `None`: until it is revoked.
    pub expires_at: Option<Timestamp>,
}

/// A new key.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Minting {
    pub key: ApiKey,
    pub change: Change,
}

/// A new key and its text, which nobody can read again.
#[derive(Debug, Clone)]
pub struct Minted {
    pub key: ApiKey,
    pub secret: ApiKeySecret,
}

#[derive(Debug, thiserror::Error)]
pub enum MintError {
    #[error("name at least one scope")]
    NoScope,
    #[error("the expiry is not in the future")]
    ExpiryInThePast,
    #[error("this credential does not carry the scope `{0}`, so it cannot give it to a key")]
    ScopeNotHeld(Scope),
    #[error("only the owner of this account may give the scope `{0}` to a key")]
    ScopeForTheOwner(Scope),
    #[error("{held} keys of this account work, and there may be {MAX_KEYS}; revoke those that nobody uses")]
    Full { held: u32 },
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Keys of one account that work. Whoever deletes the account revokes them all at once.
pub(crate) const MAX_KEYS: u32 = 1000;

impl From<Refused> for MintError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotHeld(scope) => Self::ScopeNotHeld(scope),
            Refused::ForTheOwner(scope) => Self::ScopeForTheOwner(scope),
        }
    }
}

commits!(MintError);

impl KeyOrder {
    /// What is wrong with an order whoever gives it.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), MintError> {
        if self.scopes.is_empty() {
            return Err(MintError::NoScope);
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(MintError::ExpiryInThePast);
        }
        Ok(())
    }
}

impl ApiKeys {
    /// Mints a key on the workspace. It stays in the hands of whoever minted it.
    pub async fn mint<'a>(
        &self,
        by: impl Into<Creation<'a, MintKey, Minted>>,
        order: KeyOrder,
    ) -> Result<Minted, MintError> {
        self.mint_as(by, order, KeyPrefix::Driftstack).await
    }

    pub(crate) async fn mint_as<'a>(
        &self,
        by: impl Into<Creation<'a, MintKey, Minted>>,
        order: KeyOrder,
        prefix: KeyPrefix,
    ) -> Result<Minted, MintError> {
        let by = by.into();
        order.check(self.desk.now())?;
        if let Some(refused) = not_to_be_granted(by.access(), order.scopes) {
            return Err(refused.into());
        }
        let secret = ApiKeySecret::generate_with(prefix, self.desk.secrets.as_ref());
        let key = ApiKey::new(&self.desk, by.workspace(), order.name, &secret, order.scopes, order.expires_at)
            .minted_by(by.access());
        let entry = key.describe(&self.desk, self.desk.audit(&by, AuditAction::KeyMinted));
        let minted = Minted { key: key.clone(), secret };
        let guard = Guard::with_room(&*by, Capped::ApiKeys(self.desk.now()), Some(MAX_KEYS));
        let change = Change::new(guard, Effects::audited(entry)).keeping(by.answer(&self.desk, &minted));
        match self.store.commit_minting(&Minting { key, change }).await {
            Ok(()) => Ok(minted),
            Err(CommitError::Full { held }) => Err(MintError::Full { held }),
            Err(error) => Err(error.into()),
        }
    }
}

impl ApiKey {
    pub(crate) fn describe(&self, desk: &Desk, entry: AuditDraft) -> AuditDraft {
        let scopes: Vec<&str> = self.scopes.iter().map(Scope::as_str).collect();
        entry.on(self.id).with_personal(desk, "name", self.name.as_str()).with("scopes", scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::Permit,
        api_key::port::MockApiKeyStore,
        policy::Standing,
        testing::{desk, people},
    };
    use rstest::rstest;
    use std::sync::Arc;

    fn order(scopes: &[Scope]) -> KeyOrder {
        KeyOrder { name: people::name("ci"), scopes: ScopeSet::of(scopes), expires_at: None }
    }

    #[tokio::test]
    async fn a_key_is_committed_as_a_digest_with_its_minter() {
        let mut store = MockApiKeyStore::new();
        store
            .expect_commit_minting()
            .times(1)
            .withf(|it| {
                it.key.minted_by == people::OLIVE && it.key.minted_with.is_some() && it.change.effects.audit.len() == 1
            })
            .returning(|_| Ok(()));
        let keys = ApiKeys::new(Arc::new(store), desk());
        let minted = keys.mint(&people::permit(), order(&[Scope::Read])).await.unwrap();
        assert_eq!(minted.key.digest, minted.secret.digest());
        assert!(ApiKeySecret::parse(minted.secret.expose()).is_some());
        assert!(minted.secret.expose().starts_with(&minted.key.shown_prefix));
    }

    #[rstest]
    #[case::no_scope(order(&[]), "name at least one scope")]
    #[case::past(KeyOrder { expires_at: Some(people::NOW), ..order(&[Scope::Read]) }, "the expiry is not in the future")]
    #[case::staff(order(&[Scope::InternalAdmin]), "this credential does not carry the scope `driftstack_internal_admin`, so it cannot give it to a key")]
    #[case::for_the_owner(order(&[Scope::Read, Scope::Admin]), "only the owner of this account may give the scope `admin` to a key")]
    #[tokio::test]
    async fn a_refused_order_never_reaches_the_store(#[case] order: KeyOrder, #[case] why: &str) {
        let by = Permit::unchecked(people::access(ScopeSet::of(&[Scope::AccountOwner]), Standing::Admin));
        let refused = ApiKeys::new(Arc::new(MockApiKeyStore::new()), desk()).mint(&by, order).await.unwrap_err();
        assert_eq!(refused.to_string(), why);
    }
}
