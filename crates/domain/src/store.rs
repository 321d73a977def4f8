//! The sum of the ports that one store implements.

use crate::{
    access::CallerStore,
    account::AccountStore,
    activation::ActivationStore,
    api_key::ApiKeyStore,
    audit::AuditStore,
    auth::{LinkStore, SignInStore},
    avatar::AvatarStore,
    ending::{EndingStore, HoldingStore},
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

/// Everything that a store has to be. An engine that implements every port says so with an empty `impl`.
pub trait Store:
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
