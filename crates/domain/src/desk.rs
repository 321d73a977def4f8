//! The three things that every decision needs besides facts: the time, fresh ids and fresh secrets.

use std::sync::Arc;

use crate::{
    access::Permit,
    audit::{Actor, AuditAction, AuditDraft},
    email::Email,
    id::{AccountId, AuditId, DeliveryId, EventId, Ids, MailId},
    mail::{MailContent, OutgoingMail},
    secret::{LinkToken, Secrets, Vault},
    time::{Clock, Timestamp},
    webhook::{Event, EventData, EventType, MAX_ENDPOINTS},
};

/// Where use cases take the time, ids and secrets from.
#[derive(Clone)]
pub struct Desk {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub secrets: Arc<dyn Secrets>,
    pub vault: Arc<dyn Vault>,
}

impl Desk {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An entry on the log of the workspace, by the caller.
    pub(crate) fn audit<A>(&self, by: &Permit<A>, action: AuditAction) -> AuditDraft {
        self.audit_as(by.actor(), by.workspace(), action)
    }

    /// An entry on the log of `account`.
    pub(crate) fn audit_as(&self, actor: Actor, account: AccountId, action: AuditAction) -> AuditDraft {
        AuditDraft::new(AuditId::new(self.ids.next()), account, self.now(), actor, action)
    }

    pub(crate) fn mail(&self, to: Email, content: MailContent) -> OutgoingMail {
        OutgoingMail::new(MailId::new(self.ids.next()), to, content, self.now())
    }

    pub(crate) fn mail_with_link(&self, to: Email, content: MailContent, token: &LinkToken) -> OutgoingMail {
        self.mail(to, content).with_token(token, self.vault.as_ref())
    }

    /// Something that the subscribed webhook endpoints of an account are told.
    pub(crate) fn event(&self, account: AccountId, kind: EventType, data: EventData) -> Event {
        let deliveries = (0..MAX_ENDPOINTS).map(|_| DeliveryId::new(self.ids.next())).collect();
        let (id, at) = (EventId::new(self.ids.next()), self.now());
        Event { id, account, kind, at, data, about: None, to: None, deliveries }
    }
}
