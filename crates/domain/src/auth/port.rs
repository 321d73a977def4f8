use async_trait::async_trait;

use super::link::{LinkRenewal, LinkRequest, SeenLink};
use super::log_in::SignIn;
use super::noun::SeenSignIn;
use super::sign_up::Registration;
use super::verify::Verification;
use crate::{
    change::{CommitError, StoreError},
    email::Email,
    secret::Digest,
};

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SignInStore: Send + Sync {
    /// Any account with that address, whatever its status.
    async fn seen_sign_in(&self, email: &Email) -> Result<Option<SeenSignIn>, StoreError>;

    /// Any link with that digest, also a used or voided one.
    async fn seen_link(&self, token: &Digest) -> Result<Option<SeenLink>, StoreError>;

    /// MUST answer `Taken(Unique::Email)` when the address has an account, also when both ask at once.
    async fn commit_registration(&self, it: &Registration) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the link is still unused.
    async fn commit_verification(&self, it: &Verification) -> Result<(), CommitError>;

    async fn commit_sign_in(&self, it: &SignIn) -> Result<(), CommitError>;
}

/// Links that somebody asked for by naming an address.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait LinkStore: Send + Sync {
    /// Notes a request. MUST do the same work whether or not the address has an account.
    async fn ask(&self, it: &LinkRequest) -> Result<(), StoreError>;

    /// Up to `limit` requests, oldest first.
    async fn asked(&self, limit: u16) -> Result<Vec<LinkRequest>, StoreError>;

    /// A request that comes to nothing.
    async fn forget(&self, it: &LinkRequest) -> Result<(), StoreError>;

    /// Voids the account's older links of the kind and takes the request off the list. MUST be `Stale` when it is off already.
    async fn commit_link(&self, it: &LinkRenewal) -> Result<(), CommitError>;

    /// Resolves when somebody may have asked. MAY resolve without cause.
    async fn wanted(&self);
}
