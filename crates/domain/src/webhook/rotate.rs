//! Giving an endpoint another secret without a gap.

use std::time::Duration;

use super::{
    Webhooks,
    endpoint::{Endpoint, SharedSecret, WebhookSecret},
};
use crate::{
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::EndpointId,
    idempotency::Creation,
    policy::action::RotateSecret,
    time::{DAY, Timestamp},
};

/// The old secret signs along for so long.
pub const SECRET_GRACE: Duration = DAY;

/// A new secret, and the old one's last moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SecretRotation {
    pub endpoint: EndpointId,
    pub secret: SharedSecret,
    pub old: SharedSecret,
    pub old_until: Timestamp,
    pub change: Change,
}

/// An endpoint and its new secret, which nobody can read again.
#[derive(Debug, Clone)]
pub struct RotatedSecret {
    pub endpoint: Endpoint,
    pub secret: WebhookSecret,
    pub grace_ends_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum RotateSecretError {
    #[error("no such webhook endpoint")]
    NotFound,
    #[error("this endpoint is deleted; register another one")]
    Deleted,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(RotateSecretError);

impl Webhooks {
    /// Both secrets sign for a day. Rotating again within it ends the older one: two sign at the most.
    pub async fn rotate_secret<'a>(
        &self,
        by: impl Into<Creation<'a, RotateSecret, RotatedSecret>>,
        id: EndpointId,
    ) -> Result<RotatedSecret, RotateSecretError> {
        let by = by.into();
        let seen = self.store.seen_endpoint(by.workspace(), id).await?.ok_or(RotateSecretError::NotFound)?;
        let old = seen.secret.clone().filter(|_| seen.disabled_at.is_none()).ok_or(RotateSecretError::Deleted)?;
        let text = WebhookSecret::generate(self.desk.secrets.as_ref());
        let secret = SharedSecret::seal(id, &text, self.desk.vault.as_ref());
        let old_until = self.desk.now().plus(SECRET_GRACE);
        let entry = self
            .desk
            .audit(&by, AuditAction::EndpointSecretRotated)
            .on(id)
            .with("grace_expires_at", old_until.to_string());
        let old_secret = Some((old.clone(), old_until));
        let endpoint = Endpoint { secret: Some(secret.clone()), old_secret, ..seen };
        let rotated = RotatedSecret { endpoint, secret: text, grace_ends_at: old_until };
        let change = Change::new(&*by, Effects::audited(entry)).keeping(by.answer(&self.desk, &rotated));
        let it = SecretRotation { endpoint: id, secret, old, old_until, change };
        self.store.commit_secret_rotation(&it).await?;
        Ok(rotated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{desk, people},
        webhook::{MockWebhookStore, Reach},
    };
    use std::sync::Arc;

    async fn rotate(seen: Endpoint, commits: usize) -> Result<RotatedSecret, RotateSecretError> {
        let mut store = MockWebhookStore::new();
        let old = seen.secret.clone();
        store.expect_seen_endpoint().returning(move |_, _| Ok(Some(seen.clone())));
        store
            .expect_commit_secret_rotation()
            .times(commits)
            .withf(move |it| Some(&it.old) == old.as_ref() && it.secret != it.old)
            .returning(|_| Ok(()));
        Webhooks::new(Arc::new(store), Reach::Public, desk())
            .rotate_secret(&people::permit(), people::endpoint().id)
            .await
    }

    #[tokio::test]
    async fn the_old_secret_signs_along_for_a_day() {
        let rotated = rotate(people::endpoint(), 1).await.unwrap();
        assert_eq!(rotated.grace_ends_at, people::NOW.plus(DAY));
        assert!(rotated.endpoint.rotating(people::NOW.plus(DAY / 2)).is_some());
        assert!(rotated.endpoint.rotating(people::NOW.plus(DAY)).is_none());
    }

    #[tokio::test]
    async fn a_deleted_endpoint_has_no_secret_to_rotate() {
        let deleted = Endpoint { disabled_at: Some(people::NOW), ..people::endpoint() };
        assert!(matches!(rotate(deleted, 0).await, Err(RotateSecretError::Deleted)));
    }
}
