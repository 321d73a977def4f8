use async_trait::async_trait;

use super::challenge::{ChallengeAnswer, SeenChallenge};
use super::change_email::{EmailChange, EmailWish};
use super::follow::{LinkSignIn, PasswordReset};
use super::link::{LinkRenewal, LinkRequest, SeenLink};
use super::log_in::SignIn;
use super::noun::SeenSignIn;
use super::sign_up::Registration;
use super::step_up::StepUp;
use super::verify::Verification;
use crate::{
    change::{CommitError, StoreError},
    email::Email,
    id::AccountId,
    secret::Digest,
};

#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SignInStore: Send + Sync {
    /// Any account with that address, whatever its status.
    async fn seen_sign_in(&self, email: &Email) -> Result<Option<SeenSignIn>, StoreError>;

    /// The holder of an account, whatever its status.
    async fn seen_holder(&self, account: AccountId) -> Result<Option<SeenSignIn>, StoreError>;

    /// Any link with that digest, also a used or voided one.
    async fn seen_link(&self, token: &Digest) -> Result<Option<SeenLink>, StoreError>;

    /// MUST answer `Taken(Unique::Email)` when the address has an account, also when both ask at once.
    async fn commit_registration(&self, it: &Registration) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the link is still unused.
    async fn commit_verification(&self, it: &Verification) -> Result<(), CommitError>;

    async fn commit_sign_in(&self, it: &SignIn) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the link is still unused; so must the one below. With a proof it MUST verify the address, set the
    /// password that the proof has, and void the account's verification links.
    async fn commit_link_sign_in(&self, it: &LinkSignIn) -> Result<(), CommitError>;

    /// MUST end every session of the account, and void its other links, its challenges and its wish for another address.
    async fn commit_password_reset(&self, it: &PasswordReset) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the link is still unused, and answer `Taken(Unique::Email)` when another account has the address,
    /// also when both ask at once. MUST void the account's other links and its challenges.
    async fn commit_email_change(&self, it: &EmailChange) -> Result<(), CommitError>;

    /// Any challenge with that digest, also an answered one.
    async fn seen_challenge(&self, token: &Digest) -> Result<Option<SeenChallenge>, StoreError>;

    /// MUST be `Stale` unless the challenge is unanswered and what the answer spends was not spent yet.
    async fn commit_challenge_answer(&self, it: &ChallengeAnswer) -> Result<(), CommitError>;

    /// MUST be `Stale` unless the session is live and what the answer spends was not spent yet.
    async fn commit_step_up(&self, it: &StepUp) -> Result<(), CommitError>;
}

/// Links that somebody asked for by naming an address.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait LinkStore: Send + Sync {
    /// Notes a request. MUST do the same work whether or not the address has an account.
    async fn ask(&self, it: &LinkRequest) -> Result<(), StoreError>;

    /// Notes the wish for another address. MUST do the same work whether or not that address has an account, and MUST void the
    /// account's earlier wish: the request, and the link that was made of it.
    async fn commit_email_wish(&self, it: &EmailWish) -> Result<(), CommitError>;

    /// Up to `limit` requests, oldest first.
    async fn asked(&self, limit: u16) -> Result<Vec<LinkRequest>, StoreError>;

    /// A request that comes to nothing.
    async fn forget(&self, it: &LinkRequest) -> Result<(), StoreError>;

    /// Voids the account's older links of the kind and takes the request off the list. MUST be `Stale` when it is off already.
    async fn commit_link(&self, it: &LinkRenewal) -> Result<(), CommitError>;

    /// Resolves when somebody may have asked. MAY resolve without cause.
    async fn wanted(&self);
}
