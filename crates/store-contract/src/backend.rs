use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use driftstack_domain::{
    access::CallerStore,
    account::{AccountStatus, AccountStore},
    activation::ActivationStore,
    api_key::ApiKeyStore,
    audit::AuditStore,
    auth::{LinkStore, SignInStore},
    avatar::AvatarStore,
    ending::{EndingStore, HoldingStore},
    id::AccountId,
    idempotency::IdempotencyStore,
    mail::{Outbox, PreferenceStore},
    membership::{InviteStore, MembershipStore},
    mfa::MfaStore,
    notify::{Bell, WishStore},
    organisation::OrganisationStore,
    profile::ProfileStore,
    session::SessionStore,
    staff::StaffStore,
    team::TeamStore,
    usage::UsageStore,
    web_session::WebSessionStore,
    webhook::{DeliveryQueue, WebhookStore},
};

/// Every port that a store implements, on one object.
pub trait Ports:
    CallerStore
    + AccountStore
    + AvatarStore
    + SignInStore
    + LinkStore
    + MfaStore
    + WebSessionStore
    + InviteStore
    + MembershipStore
    + TeamStore
    + ApiKeyStore
    + ActivationStore
    + AuditStore
    + Bell
    + PreferenceStore
    + Outbox
    + StaffStore
    + IdempotencyStore
    + SessionStore
    + ProfileStore
    + UsageStore
    + OrganisationStore
    + WishStore
    + EndingStore
    + HoldingStore
    + WebhookStore
    + DeliveryQueue
    + 'static
{
}

impl<T> Ports for T where
    T: CallerStore
        + AccountStore
        + AvatarStore
        + SignInStore
        + LinkStore
        + MfaStore
        + MfaStore
        + WebSessionStore
        + InviteStore
        + MembershipStore
        + TeamStore
        + ApiKeyStore
        + ActivationStore
        + AuditStore
        + Bell
        + PreferenceStore
        + Outbox
        + StaffStore
        + IdempotencyStore
        + SessionStore
        + ProfileStore
        + UsageStore
        + OrganisationStore
        + WishStore
        + EndingStore
        + HoldingStore
        + WebhookStore
        + DeliveryQueue
        + 'static
{
}

/// An empty store with its tables in place, and a look behind its back.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    type Store: Ports;

    fn store(&self) -> Arc<Self::Store>;

    /// How many rows each table holds: what a refused commit must leave as it was.
    async fn rows(&self) -> BTreeMap<String, i64>;

    /// Everything that every table holds, by table: each row as text, with bytes as hexadecimal digits.
    async fn dump(&self) -> BTreeMap<String, Vec<String>>;

    /// Mails in the outbox that still hold a sealed token.
    async fn sealed_tokens(&self) -> i64;

    /// Gives an account another status, which no use case does yet.
    async fn set_status(&self, account: AccountId, status: AccountStatus);
}
