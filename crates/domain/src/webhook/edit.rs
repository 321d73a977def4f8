//! Changing, pausing and resuming an endpoint.

use super::{
    Webhooks,
    description::Description,
    endpoint::Endpoint,
    event::{EventType, Subscription, SubscriptionError},
    url::{UrlError, WebhookUrl},
};
use crate::{
    access::Permit,
    account::{Edit, changed},
    audit::AuditAction,
    change::{Change, CommitError, Effects, commits},
    id::EndpointId,
    policy::action::EditEndpoint,
    time::Timestamp,
};

/// A partial update of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointEdit {
    pub url: Option<String>,
    pub events: Option<Vec<EventType>>,
    pub description: Edit<Description>,
    /// `false` pauses, `true` resumes.
    pub active: Option<bool>,
}

/// An endpoint as it is to be from now on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EndpointChange {
    pub endpoint: Endpoint,
    pub at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum EditEndpointError {
    #[error("no such webhook endpoint")]
    NotFound,
    #[error("this endpoint is deleted; register another one")]
    Deleted,
    #[error("name at least one field to change")]
    NothingToChange,
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Events(#[from] SubscriptionError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(EditEndpointError);

impl EndpointEdit {
    fn changed_fields(&self) -> Vec<&'static str> {
        changed([
            ("url", self.url.is_some()),
            ("events", self.events.is_some()),
            ("description", !self.description.keeps()),
            ("active", self.active.is_some()),
        ])
    }
}

impl Webhooks {
    /// Changing it to what it is changes nothing.
    pub async fn edit(
        &self,
        by: &Permit<EditEndpoint>,
        id: EndpointId,
        edit: EndpointEdit,
    ) -> Result<Endpoint, EditEndpointError> {
        let fields = edit.changed_fields();
        if fields.is_empty() {
            return Err(EditEndpointError::NothingToChange);
        }
        let seen = self.store.seen_endpoint(by.workspace(), id).await?.ok_or(EditEndpointError::NotFound)?;
        if seen.disabled_at.is_some() {
            return Err(EditEndpointError::Deleted);
        }
        let endpoint = self.edited(seen.clone(), edit)?;
        if endpoint == seen {
            return Ok(seen);
        }
        let entry = endpoint.describe(&self.desk, self.desk.audit(by, AuditAction::EndpointUpdated));
        let entry = entry.with("changed", fields).with("active", endpoint.active);
        let change = Change::new(by, Effects::audited(entry));
        self.store
            .commit_endpoint_change(&EndpointChange { endpoint: endpoint.clone(), at: self.desk.now(), change })
            .await?;
        Ok(endpoint)
    }

    fn edited(&self, mut endpoint: Endpoint, edit: EndpointEdit) -> Result<Endpoint, EditEndpointError> {
        if let Some(url) = edit.url {
            endpoint.url = WebhookUrl::parse(&url, self.reach)?;
        }
        if let Some(events) = edit.events {
            endpoint.subscription = Subscription::new(&events)?;
        }
        edit.description.apply(&mut endpoint.description);
        endpoint.active = edit.active.unwrap_or(endpoint.active);
        Ok(endpoint)
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

    async fn edit(seen: Option<Endpoint>, edit: EndpointEdit, commits: usize) -> Result<Endpoint, EditEndpointError> {
        let mut store = MockWebhookStore::new();
        store.expect_seen_endpoint().returning(move |_, _| Ok(seen.clone()));
        store.expect_commit_endpoint_change().times(commits).returning(|_| Ok(()));
        let webhooks = Webhooks::new(Arc::new(store), Reach::Public, desk());
        webhooks.edit(&people::permit(), people::endpoint().id, edit).await
    }

    fn paused() -> EndpointEdit {
        EndpointEdit { active: Some(false), ..EndpointEdit::default() }
    }

    #[tokio::test]
    async fn every_field_can_be_changed() {
        let all = EndpointEdit {
            url: Some("https://example.org/".into()),
            events: Some(vec![EventType::RoleChanged]),
            description: Edit::Set("mine".parse().unwrap()),
            active: Some(false),
        };
        let edited = edit(Some(people::endpoint()), all, 1).await.unwrap();
        assert_eq!((edited.url.as_str(), edited.active), ("https://example.org/", false));
        assert_eq!(edited.subscription.kinds(), [EventType::RoleChanged]);
        assert_eq!(edited.description.as_ref().map(Description::as_str), Some("mine"));
        let cleared = EndpointEdit { description: Edit::Clear, ..EndpointEdit::default() };
        assert_eq!(edit(Some(edited), cleared, 1).await.unwrap().description, None);
    }

    #[tokio::test]
    async fn what_is_so_already_is_not_written() {
        let same = EndpointEdit { active: Some(true), ..EndpointEdit::default() };
        assert_eq!(edit(Some(people::endpoint()), same, 0).await.unwrap(), people::endpoint());
    }

    #[rstest]
    #[case::unknown(None, paused(), "no such webhook endpoint")]
    #[case::deleted(Some(Endpoint { disabled_at: Some(people::NOW), ..people::endpoint() }), paused(), "this endpoint is deleted; register another one")]
    #[case::nothing(Some(people::endpoint()), EndpointEdit::default(), "name at least one field to change")]
    #[case::inside(Some(people::endpoint()), EndpointEdit { url: Some("https://[::1]/".into()), ..EndpointEdit::default() }, "this address or name is not on the public internet; name a host that is")]
    #[case::deaf(Some(people::endpoint()), EndpointEdit { events: Some(vec![]), ..EndpointEdit::default() }, "name at least one type of event")]
    #[tokio::test]
    async fn a_refused_edit_is_not_written(
        #[case] seen: Option<Endpoint>,
        #[case] wanted: EndpointEdit,
        #[case] why: &str,
    ) {
        assert_eq!(edit(seen, wanted, 0).await.unwrap_err().to_string(), why);
    }
}
