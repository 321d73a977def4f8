//! Single-use links that are mailed to an account holder.
//!
//! Asking for one by address only notes the request; a worker makes the link afterwards. So the answer takes the same work
//! whether or not the address has an account, and it tells nothing.

use std::{sync::Arc, time::Duration};

use super::port::{LinkStore, SignInStore};
use crate::{
    account::AccountStatus,
    change::{Change, CommitError, Effects, Guard, Revision, StoreError},
    desk::Desk,
    email::Email,
    id::{AccountId, LinkId},
    mail::MailContent,
    secret::{Digest, LinkToken},
    time::{MINUTE, Timestamp},
};

/// A verification link works for so long.
pub const VERIFICATION_LIFE: Duration = MINUTE.saturating_mul(30);

/// A link, as it is stored: only the digest of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewLink {
    pub id: LinkId,
    pub account: AccountId,
    pub token: Digest,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl NewLink {
    pub(super) fn new(desk: &Desk, account: AccountId, token: &LinkToken, expires_at: Timestamp) -> Self {
        Self { id: LinkId::new(desk.ids.next()), account, token: token.digest(), created_at: desk.now(), expires_at }
    }
}

/// A link that was redeemed, and the account behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenLink {
    pub id: LinkId,
    pub account: AccountId,
    pub email: Email,
    pub status: AccountStatus,
    pub revision: Revision,
    pub expires_at: Timestamp,
    /// Used, or voided by a newer one.
    pub spent: bool,
    /// Whether the account wants the welcome mail.
    pub wants_welcome: bool,
}

/// Somebody asked for a verification link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRequest {
    pub id: LinkId,
    pub email: Email,
    pub at: Timestamp,
}

impl LinkRequest {
    pub fn expires_at(&self) -> Timestamp {
        self.at.plus(VERIFICATION_LIFE)
    }
}

/// A new link in place of the older ones. Nothing of the account changes, so there is no audit entry.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LinkRenewal {
    pub request: LinkId,
    pub link: NewLink,
    pub change: Change,
}

/// Takes requests for links and serves them.
pub struct LinkClerk {
    links: Arc<dyn LinkStore>,
    accounts: Arc<dyn SignInStore>,
    desk: Desk,
}

/// Requests that are served in one round.
const BATCH: u16 = 16;

impl LinkClerk {
    pub fn new(links: Arc<dyn LinkStore>, accounts: Arc<dyn SignInStore>, desk: Desk) -> Self {
        Self { links, accounts, desk }
    }

    /// Notes that `email` wants a verification link, and says until when it will work.
    pub async fn ask_for_verification(&self, email: Email) -> Result<Timestamp, StoreError> {
        let request = LinkRequest { id: LinkId::new(self.desk.ids.next()), email, at: self.desk.now() };
        self.links.ask(&request).await?;
        Ok(request.expires_at())
    }

    /// Serves what was asked for; answers how many requests there were.
    pub async fn round(&self) -> Result<usize, StoreError> {
        let requests = self.links.asked(BATCH).await?;
        for request in &requests {
            match self.serve(request).await {
                // The account has moved on, or another worker was here: the next round looks again.
                Ok(()) | Err(CommitError::Stale) => {}
                Err(CommitError::Store(error)) => return Err(error),
                Err(CommitError::Taken(what)) => return Err(StoreError::Failed(format!("{what:?} taken by a link"))),
            }
        }
        Ok(requests.len())
    }

    async fn serve(&self, request: &LinkRequest) -> Result<(), CommitError> {
        let seen = self.accounts.seen_sign_in(&request.email).await?;
        let Some(seen) = seen.filter(|seen| !seen.email_verified && seen.status == AccountStatus::Active) else {
            return Ok(self.links.forget(request).await?);
        };
        let token = LinkToken::generate(self.desk.secrets.as_ref());
        let expires_at = request.expires_at();
        let mail = self.desk.mail_with_link(seen.email, MailContent::SignupVerification { expires_at }, &token);
        let it = LinkRenewal {
            request: request.id,
            link: NewLink::new(&self.desk, seen.account, &token, expires_at),
            change: Change::new(Guard::seen(seen.account, seen.revision), Effects::unaudited(mail)),
        };
        self.links.commit_link(&it).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{
            SeenSignIn,
            port::{MockLinkStore, MockSignInStore},
        },
        testing::{desk, people},
    };
    use rstest::rstest;

    fn request() -> LinkRequest {
        LinkRequest { id: LinkId::new(people::uuid(5)), email: people::email("ada@example.com"), at: people::NOW }
    }

    fn clerk(links: MockLinkStore, seen: Option<SeenSignIn>) -> LinkClerk {
        let mut accounts = MockSignInStore::new();
        accounts.expect_seen_sign_in().returning(move |_| Ok(seen.clone()));
        LinkClerk::new(Arc::new(links), Arc::new(accounts), desk())
    }

    fn asked() -> MockLinkStore {
        let mut links = MockLinkStore::new();
        links.expect_asked().returning(|_| Ok(vec![request()]));
        links
    }

    #[tokio::test]
    async fn asking_looks_nobody_up() {
        let mut links = MockLinkStore::new();
        links.expect_ask().times(1).returning(|_| Ok(()));
        let clerk = LinkClerk::new(Arc::new(links), Arc::new(MockSignInStore::new()), desk());
        let until = clerk.ask_for_verification(people::email("nobody@example.com")).await.unwrap();
        assert_eq!(until, people::NOW.plus(VERIFICATION_LIFE));
    }

    #[tokio::test]
    async fn an_unverified_account_gets_a_link() {
        let mut links = asked();
        links.expect_commit_link().times(1).withf(|it| it.change.effects.mails.len() == 1).returning(|_| Ok(()));
        let seen = people::seen_sign_in(AccountStatus::Active, false);
        assert_eq!(clerk(links, Some(seen)).round().await.unwrap(), 1);
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::verified(Some(people::seen_sign_in(AccountStatus::Active, true)))]
    #[case::suspended(Some(people::seen_sign_in(AccountStatus::Suspended, false)))]
    #[tokio::test]
    async fn nobody_else_does(#[case] seen: Option<SeenSignIn>) {
        let mut links = asked();
        links.expect_forget().times(1).returning(|_| Ok(()));
        assert_eq!(clerk(links, seen).round().await.unwrap(), 1);
    }
}
