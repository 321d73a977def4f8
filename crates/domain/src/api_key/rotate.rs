//! Replacing a key without a gap.

use std::time::Duration;

use super::{
    ApiKeys,
    mint::MAX_KEYS,
    noun::{ApiKey, Refused, not_to_be_granted},
};
use crate::{
    audit::AuditAction,
    change::{Capped, Change, CommitError, Effects, Guard, commits},
    id::ApiKeyId,
    idempotency::Creation,
    name::Name,
    policy::{Scope, ScopeSet, action::RotateKey},
    secret::ApiKeySecret,
    time::{DAY, Timestamp},
};

/// The old key lives on for so long, or until its own expiry if that is sooner.
pub const ROTATION_GRACE: Duration = DAY;

/// A successor takes the place of the old key, which goes on for its grace: so of those that work there may be as many again.
const MAX_WITH_SUCCESSORS: u32 = 2 * MAX_KEYS;

/// A successor, and the old key's last moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Rotation {
    pub old: ApiKeyId,
    pub old_expires_at: Timestamp,
    pub successor: ApiKey,
    pub change: Change,
}

/// A successor and its text, which nobody can read again.
#[derive(Debug, Clone)]
pub struct Rotated {
    pub key: ApiKey,
    pub secret: ApiKeySecret,
    pub old: ApiKeyId,
    pub grace_ends_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    #[error("no such key")]
    NotFound,
    #[error("this key is revoked or expired; mint another one")]
    Over,
    #[error("this credential does not carry the scope `{0}` of the key, so it cannot receive its successor")]
    ScopeNotHeld(Scope),
    #[error("only the owner of this account may rotate a key with the scope `{0}`")]
    ScopeForTheOwner(Scope),
    #[error("{held} keys of this account work, the old ones in their grace among them; revoke those that nobody uses")]
    Full { held: u32 },
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Refused> for RotateError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotHeld(scope) => Self::ScopeNotHeld(scope),
            Refused::ForTheOwner(scope) => Self::ScopeForTheOwner(scope),
        }
    }
}

commits!(RotateError);

impl ApiKey {
    fn is_usable(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }

    /// The scopes of a successor: staff is dropped, and the legacy `admin` becomes what it means.
    fn scopes_of_successor(&self) -> ScopeSet {
        let scopes = self.scopes.without(Scope::InternalAdmin);
        if scopes.contains(Scope::Admin) { scopes.without(Scope::Admin).with(Scope::AccountOwner) } else { scopes }
    }
}

impl ApiKeys {
    /// Mints a successor with the same scopes and the same expiry. It is in the hands of whoever rotates: the caller is the
    /// one who sees its text.
    pub async fn rotate<'a>(
        &self,
        by: impl Into<Creation<'a, RotateKey, Rotated>>,
        id: ApiKeyId,
        name: Option<Name>,
    ) -> Result<Rotated, RotateError> {
        let by = by.into();
        let old = self.store.seen_key(by.workspace(), id).await?.ok_or(RotateError::NotFound)?;
        let now = self.desk.now();
        if !old.is_usable(now) {
            return Err(RotateError::Over);
        }
        let scopes = old.scopes_of_successor();
        if let Some(refused) = not_to_be_granted(by.access(), scopes) {
            return Err(refused.into());
        }
        let secret = ApiKeySecret::generate(self.desk.secrets.as_ref());
        let name = name.unwrap_or_else(|| old.name.clone());
        let successor =
            ApiKey::new(&self.desk, by.workspace(), name, &secret, scopes, old.expires_at).minted_by(by.access());
        let grace = now.plus(ROTATION_GRACE);
        let old_expires_at = old.expires_at.map_or(grace, |at| at.min(grace));
        let entry = successor
            .describe(&self.desk, self.desk.audit(&by, AuditAction::KeyRotated))
            .with("rotated_from", id.to_string())
            .with("grace_period_ends_at", old_expires_at.to_string());
        let rotated = Rotated { key: successor.clone(), secret, old: id, grace_ends_at: old_expires_at };
        let guard = Guard::with_room(&*by, Capped::ApiKeys(now), Some(MAX_WITH_SUCCESSORS));
        let change = Change::new(guard, Effects::audited(entry)).keeping(by.answer(&self.desk, &rotated));
        match self.store.commit_rotation(&Rotation { old: id, old_expires_at, successor, change }).await {
            Ok(()) => {}
            Err(CommitError::Full { held }) => return Err(RotateError::Full { held }),
            Err(error) => return Err(error.into()),
        }
        Ok(rotated)
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
        time::HOUR,
    };
    use rstest::rstest;
    use std::sync::Arc;

    fn key(scopes: &[Scope]) -> ApiKey {
        let secret = ApiKeySecret::generate(desk().secrets.as_ref());
        ApiKey::new(&desk(), people::OLIVE, people::name("ci"), &secret, ScopeSet::of(scopes), None)
    }

    async fn rotate(old: ApiKey, standing: Standing, mut store: MockApiKeyStore) -> Result<Rotated, RotateError> {
        let id = old.id;
        store.expect_seen_key().returning(move |_, _| Ok(Some(old.clone())));
        let by = Permit::unchecked(people::access(ScopeSet::of(&[Scope::AccountOwner]), standing));
        ApiKeys::new(Arc::new(store), desk()).rotate(&by, id, None).await
    }

    fn accepting() -> MockApiKeyStore {
        let mut store = MockApiKeyStore::new();
        store.expect_commit_rotation().times(1).returning(|_| Ok(()));
        store
    }

    #[rstest]
    #[case::no_expiry(None, people::NOW.plus(DAY))]
    #[case::sooner(Some(people::NOW.plus(HOUR)), people::NOW.plus(HOUR))]
    #[case::later(Some(people::NOW.plus(DAY * 9)), people::NOW.plus(DAY))]
    #[tokio::test]
    async fn the_grace_never_extends_an_expiry(#[case] expires_at: Option<Timestamp>, #[case] grace: Timestamp) {
        let rotated = rotate(ApiKey { expires_at, ..key(&[Scope::Read]) }, Standing::Owner, accepting()).await.unwrap();
        assert_eq!(rotated.grace_ends_at, grace);
        assert_eq!(rotated.key.expires_at, expires_at, "the successor inherits the expiry");
    }

    #[tokio::test]
    async fn rotation_de_escalates() {
        let old = key(&[Scope::Admin, Scope::InternalAdmin, Scope::Read]);
        let rotated = rotate(old, Standing::Owner, accepting()).await.unwrap();
        assert_eq!(rotated.key.scopes, ScopeSet::of(&[Scope::AccountOwner, Scope::Read]));
    }

    #[tokio::test]
    async fn an_admin_does_not_receive_the_owners_key() {
        let refused = rotate(key(&[Scope::AccountOwner]), Standing::Admin, MockApiKeyStore::new()).await;
        assert!(matches!(refused, Err(RotateError::ScopeForTheOwner(Scope::AccountOwner))));
    }

    #[tokio::test]
    async fn keys_in_their_grace_are_not_without_number() {
        let mut store = MockApiKeyStore::new();
        store
            .expect_commit_rotation()
            .withf(|it| it.change.guard.cap().is_some_and(|cap| cap.most == 2 * MAX_KEYS))
            .returning(|_| Err(CommitError::Full { held: 2000 }));
        let refused = rotate(key(&[Scope::Read]), Standing::Owner, store).await;
        assert!(matches!(refused, Err(RotateError::Full { held: 2000 })));
    }

    #[rstest]
    #[case::revoked(ApiKey { revoked_at: Some(people::NOW), ..key(&[Scope::Read]) })]
    #[case::expired(ApiKey { expires_at: Some(people::NOW), ..key(&[Scope::Read]) })]
    #[tokio::test]
    async fn a_key_that_is_over_has_no_successor(#[case] old: ApiKey) {
        assert!(matches!(rotate(old, Standing::Owner, MockApiKeyStore::new()).await, Err(RotateError::Over)));
    }
}
