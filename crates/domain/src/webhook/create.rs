//! Registering an endpoint.

use super::{
    Webhooks,
    description::Description,
    endpoint::{Endpoint, MAX_ENDPOINTS, WebhookSecret},
    event::{EventType, Subscription, SubscriptionError},
    url::{UrlError, WebhookUrl},
};
use crate::{
    audit::{AuditAction, AuditDraft},
    change::{Change, CommitError, Effects, commits},
    desk::Desk,
    idempotency::Creation,
    policy::action::CreateEndpoint,
};

/// What somebody wants to be told, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointOrder {
    pub url: String,
    pub events: Vec<EventType>,
    pub description: Option<Description>,
}

/// A new endpoint.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EndpointCreation {
    pub endpoint: Endpoint,
    pub change: Change,
}

/// A new endpoint and its secret, which nobody can read again.
#[derive(Debug, Clone)]
pub struct CreatedEndpoint {
    pub endpoint: Endpoint,
    pub secret: WebhookSecret,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateEndpointError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Events(#[from] SubscriptionError),
    #[error("an account has at most {MAX_ENDPOINTS} endpoints; delete one first")]
    TooMany,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(CreateEndpointError);

impl Endpoint {
    /// A URL may say whose it is.
    pub(super) fn describe(&self, desk: &Desk, entry: AuditDraft) -> AuditDraft {
        let events: Vec<&str> = self.subscription.kinds().iter().map(|kind| kind.as_str()).collect();
        entry.on(self.id).with_personal(desk, "url", self.url.as_str()).with("events", events)
    }
}

impl Webhooks {
    /// The guard covers what was counted: of two who make the last one at once, one is stale and counts again.
    pub async fn create<'a>(
        &self,
        by: impl Into<Creation<'a, CreateEndpoint, CreatedEndpoint>>,
        order: EndpointOrder,
    ) -> Result<CreatedEndpoint, CreateEndpointError> {
        let by = by.into();
        let url = WebhookUrl::parse(&order.url, self.reach)?;
        let subscription = Subscription::new(&order.events)?;
        if self.store.endpoints(by.workspace()).await?.len() >= MAX_ENDPOINTS {
            return Err(CreateEndpointError::TooMany);
        }
        let (endpoint, secret) = Endpoint::new(&self.desk, by.workspace(), url, subscription, order.description);
        let entry = endpoint.describe(&self.desk, self.desk.audit(&by, AuditAction::EndpointCreated));
        let created = CreatedEndpoint { endpoint: endpoint.clone(), secret };
        let change = Change::new(&*by, Effects::audited(entry)).keeping(by.answer(&self.desk, &created));
        self.store.commit_endpoint_creation(&EndpointCreation { endpoint, change }).await?;
        Ok(created)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{desk, people},
        webhook::{MockWebhookStore, Reach},
    };
    use rstest::rstest;
    use std::sync::Arc;

    fn order() -> EndpointOrder {
        let (url, events) = ("https://example.com/hooks".to_owned(), vec![EventType::KeyRevoked]);
        EndpointOrder { url, events, description: None }
    }

    fn webhooks(there: usize, commits: usize) -> Webhooks {
        let mut store = MockWebhookStore::new();
        store.expect_endpoints().returning(move |_| Ok(vec![people::endpoint(); there]));
        store
            .expect_commit_endpoint_creation()
            .times(commits)
            .withf(|it| {
                it.endpoint.active
                    && it.change.guard.accounts().iter().any(|(id, _)| *id == people::OLIVE)
                    && it.change.effects.audit[0].action == AuditAction::EndpointCreated
            })
            .returning(|_| Ok(()));
        Webhooks::new(Arc::new(store), Reach::Public, desk())
    }

    #[tokio::test]
    async fn an_endpoint_is_committed_with_a_sealed_secret() {
        let created = webhooks(MAX_ENDPOINTS - 1, 1).create(&people::permit(), order()).await.unwrap();
        let kept = created.endpoint.secret.unwrap();
        assert!(created.secret.expose().starts_with(&kept.shown_prefix) && kept.shown_prefix.len() == 10);
        assert_eq!(kept.unseal(created.endpoint.id, desk().vault.as_ref()).unwrap().expose(), created.secret.expose());
    }

    #[tokio::test]
    async fn there_is_no_eleventh() {
        let refused = webhooks(MAX_ENDPOINTS, 0).create(&people::permit(), order()).await.unwrap_err();
        assert_eq!(refused.to_string(), "an account has at most 10 endpoints; delete one first");
    }

    #[rstest]
    #[case::inside(EndpointOrder { url: "https://10.0.0.1/".into(), ..order() })]
    #[case::nothing(EndpointOrder { events: vec![], ..order() })]
    #[tokio::test]
    async fn a_refused_order_never_reaches_the_store(#[case] order: EndpointOrder) {
        let webhooks = Webhooks::new(Arc::new(MockWebhookStore::new()), Reach::Public, desk());
        assert!(webhooks.create(&people::permit(), order).await.is_err());
    }
}
