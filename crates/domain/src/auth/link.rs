//! Single-use links that are mailed to an account holder.
//!
//! Asking for one by address only notes the request; a worker makes the link afterwards. So the answer takes the same work
//! whether or not the address has an account, and it tells nothing.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    noun::SeenSignIn,
    port::{LinkStore, SignInStore},
};
use crate::{
    account::AccountStatus,
    change::{Change, CommitError, Effects, Guard, Revision, StoreError},
    desk::Desk,
    email::Email,
    ending::Grace,
    id::{AccountId, LinkId},
    mail::MailContent,
    secret::{Digest, LinkToken},
    time::{MINUTE, Timestamp},
    word::words,
};

words! {
    /// What a link is for.
    LinkKind, LinkKindError, "kind of link" {
        /// Verifies the address, and signs in.
        Verification = "verification",
        /// Signs in, and verifies the address where it is not verified yet.
        MagicLink = "magic-link",
        /// Sets a new password, and signs in.
        PasswordReset = "password-reset",
        /// Moves the account to the address that it was mailed to.
        EmailChange = "email-change",
    }
}

impl LinkKind {
    /// A link works for so long after it was asked for.
    pub const fn life(self) -> Duration {
        match self {
            Self::Verification => MINUTE.saturating_mul(30),
            Self::MagicLink => MINUTE.saturating_mul(15),
            Self::PasswordReset | Self::EmailChange => MINUTE.saturating_mul(60),
        }
    }

    const fn mail(self, expires_at: Timestamp) -> MailContent {
        match self {
            Self::Verification => MailContent::SignupVerification { expires_at },
            Self::MagicLink => MailContent::MagicLink { expires_at },
            Self::PasswordReset => MailContent::PasswordReset { expires_at },
            Self::EmailChange => MailContent::EmailChange { expires_at },
        }
    }
}

/// A link, as it is stored: only the digest of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewLink {
    pub id: LinkId,
    pub kind: LinkKind,
    pub account: AccountId,
    /// The address that it moves the account to, where it does.
    pub new_email: Option<Email>,
    pub token: Digest,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl NewLink {
    pub(super) fn new(
        desk: &Desk,
        kind: LinkKind,
        account: AccountId,
        token: &LinkToken,
        expires_at: Timestamp,
    ) -> Self {
        let (id, token) = (LinkId::new(desk.ids.next()), token.digest());
        Self { id, kind, account, new_email: None, token, created_at: desk.now(), expires_at }
    }
}

/// A link that was redeemed, and the account behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenLink {
    pub id: LinkId,
    pub kind: LinkKind,
    pub account: AccountId,
    pub email: Email,
    /// When the address was verified; `None`: not yet.
    pub verified_at: Option<Timestamp>,
    pub status: AccountStatus,
    /// Until when a deleted account comes back.
    pub purge_at: Option<Timestamp>,
    pub revision: Revision,
    pub expires_at: Timestamp,
    /// Used, or voided by a newer one.
    pub spent: bool,
    /// The address that it moves the account to, where it does.
    pub new_email: Option<Email>,
    /// Whether the account wants the welcome mail.
    pub wants_welcome: bool,
    /// Whether a second factor must be shown too.
    pub has_factor: bool,
}

impl SeenLink {
    pub(super) fn is_good(&self, kind: LinkKind, now: Timestamp) -> bool {
        let opens = match kind {
            LinkKind::MagicLink | LinkKind::PasswordReset => Grace::may_sign_in(self.status, self.purge_at),
            LinkKind::Verification | LinkKind::EmailChange => self.status == AccountStatus::Active,
        };
        self.kind == kind && !self.spent && self.expires_at > now && opens
    }
}

/// Somebody asked for a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRequest {
    pub id: LinkId,
    pub kind: LinkKind,
    pub email: Email,
    /// Who wants to be at that address; `None`: somebody who has only named it.
    pub account: Option<AccountId>,
    pub at: Timestamp,
}

impl LinkRequest {
    pub fn expires_at(&self) -> Timestamp {
        self.at.plus(self.kind.life())
    }
}

/// A new link in place of the older ones of its kind. Nothing of the account changes, so there is no audit entry.
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

    /// Notes that `email` wants a link, and says until when it will work.
    pub async fn ask(&self, kind: LinkKind, email: Email) -> Result<Timestamp, StoreError> {
        let (id, at) = (LinkId::new(self.desk.ids.next()), self.desk.now());
        let request = LinkRequest { id, kind, email, account: None, at };
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
                Err(full @ CommitError::Full { .. }) => return Err(StoreError::Failed(full.to_string())),
                Err(CommitError::Taken(what)) => return Err(StoreError::Failed(format!("{what:?} taken by a link"))),
            }
        }
        Ok(requests.len())
    }

    async fn serve(&self, request: &LinkRequest) -> Result<(), CommitError> {
        let Some(seen) = self.receiver(request).await? else {
            return Ok(self.links.forget(request).await?);
        };
        let token = LinkToken::generate(self.desk.secrets.as_ref());
        let (kind, expires_at) = (request.kind, request.expires_at());
        let mail = self.desk.mail_with_link(request.email.clone(), kind.mail(expires_at), &token);
        let link = NewLink::new(&self.desk, kind, seen.account, &token, expires_at);
        let new_email = request.account.map(|_| request.email.clone());
        let it = LinkRenewal {
            request: request.id,
            link: NewLink { new_email, ..link },
            change: Change::new(Guard::seen(seen.account, seen.revision), Effects::unaudited(mail)),
        };
        self.links.commit_link(&it).await
    }

    /// Whose the link is that the address gets; `None`: it gets none.
    async fn receiver(&self, request: &LinkRequest) -> Result<Option<SeenSignIn>, StoreError> {
        let known = self.accounts.seen_sign_in(&request.email).await?;
        let Some(account) = request.account else {
            return Ok(known.filter(|seen| is_due(request.kind, seen)));
        };
        if known.is_some() {
            return Ok(None);
        }
        let holder = self.accounts.seen_holder(account).await?;
        Ok(holder.filter(|seen| seen.status == AccountStatus::Active))
    }
}

/// Whether somebody gets the link that they ask for by naming their address.
fn is_due(asked: LinkKind, seen: &SeenSignIn) -> bool {
    let helps = match asked {
        LinkKind::Verification => !seen.email_verified,
        // Never the verification link instead: it leaves the password to whoever signed up, who may be somebody else.
        LinkKind::MagicLink | LinkKind::PasswordReset => true,
        // Nobody moves an account by naming an address.
        LinkKind::EmailChange => false,
    };
    helps && Grace::may_sign_in(seen.status, seen.purge_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::port::{MockLinkStore, MockSignInStore},
        testing::{desk, people},
    };
    use rstest::rstest;

    fn request(kind: LinkKind) -> LinkRequest {
        let (id, email) = (LinkId::new(people::uuid(5)), people::email("ada@example.com"));
        LinkRequest { id, kind, email, account: None, at: people::NOW }
    }

    fn clerk(links: MockLinkStore, seen: Option<SeenSignIn>) -> LinkClerk {
        let mut accounts = MockSignInStore::new();
        accounts.expect_seen_sign_in().returning(move |_| Ok(seen.clone()));
        LinkClerk::new(Arc::new(links), Arc::new(accounts), desk())
    }

    fn asked(kind: LinkKind) -> MockLinkStore {
        let mut links = MockLinkStore::new();
        links.expect_asked().returning(move |_| Ok(vec![request(kind)]));
        links
    }

    #[tokio::test]
    async fn asking_looks_nobody_up() {
        let mut links = MockLinkStore::new();
        links.expect_ask().times(1).returning(|_| Ok(()));
        let clerk = LinkClerk::new(Arc::new(links), Arc::new(MockSignInStore::new()), desk());
        let until = clerk.ask(LinkKind::PasswordReset, people::email("nobody@example.com")).await.unwrap();
        assert_eq!(until, people::NOW.plus(crate::time::HOUR));
    }

    #[rstest]
    #[case::verification(LinkKind::Verification, false)]
    #[case::magic_link(LinkKind::MagicLink, true)]
    #[case::magic_link_before_the_address_is_verified(LinkKind::MagicLink, false)]
    #[case::reset(LinkKind::PasswordReset, true)]
    #[case::reset_before_the_address_is_verified(LinkKind::PasswordReset, false)]
    #[tokio::test]
    async fn an_account_gets_the_link_that_it_asks_for(#[case] wanted: LinkKind, #[case] verified: bool) {
        let mut links = asked(wanted);
        links
            .expect_commit_link()
            .times(1)
            .withf(move |it| {
                it.link.kind == wanted && it.change.effects.mails[0].content == wanted.mail(it.link.expires_at)
            })
            .returning(|_| Ok(()));
        let seen = people::seen_sign_in(AccountStatus::Active, verified);
        assert_eq!(clerk(links, Some(seen)).round().await.unwrap(), 1);
    }

    #[rstest]
    #[case::magic_link(LinkKind::MagicLink, true)]
    #[case::reset(LinkKind::PasswordReset, true)]
    #[case::verification(LinkKind::Verification, false)]
    #[tokio::test]
    async fn a_deleted_account_gets_the_links_that_bring_it_back(#[case] wanted: LinkKind, #[case] given: bool) {
        let mut links = asked(wanted);
        links.expect_commit_link().times(usize::from(given)).returning(|_| Ok(()));
        links.expect_forget().times(usize::from(!given)).returning(|_| Ok(()));
        let seen = people::seen_sign_in(AccountStatus::Deleted, true);
        let seen = SeenSignIn { purge_at: Some(people::LATER), ..seen };
        assert_eq!(clerk(links, Some(seen)).round().await.unwrap(), 1);
    }

    #[rstest]
    #[case::purged(LinkKind::PasswordReset, Some(people::seen_sign_in(AccountStatus::Deleted, true)))]
    #[case::unknown(LinkKind::PasswordReset, None)]
    #[case::verified(LinkKind::Verification, Some(people::seen_sign_in(AccountStatus::Active, true)))]
    #[case::suspended(LinkKind::MagicLink, Some(people::seen_sign_in(AccountStatus::Suspended, true)))]
    #[case::naming_only(LinkKind::EmailChange, Some(people::seen_sign_in(AccountStatus::Active, true)))]
    #[tokio::test]
    async fn nobody_else_does(#[case] wanted: LinkKind, #[case] seen: Option<SeenSignIn>) {
        let mut links = asked(wanted);
        links.expect_forget().times(1).returning(|_| Ok(()));
        assert_eq!(clerk(links, seen).round().await.unwrap(), 1);
    }

    fn wish() -> MockLinkStore {
        let mut links = MockLinkStore::new();
        let request = LinkRequest {
            email: people::email("ada@example.org"),
            account: Some(people::ADA),
            ..request(LinkKind::EmailChange)
        };
        links.expect_asked().returning(move |_| Ok(vec![request.clone()]));
        links
    }

    fn clerk_for(links: MockLinkStore, taken: bool, status: AccountStatus) -> LinkClerk {
        let mut accounts = MockSignInStore::new();
        let seen = people::seen_sign_in(status, true);
        accounts.expect_seen_sign_in().returning(move |_| Ok(taken.then(|| seen.clone())));
        let holder = people::seen_sign_in(status, true);
        accounts.expect_seen_holder().returning(move |_| Ok(Some(holder.clone())));
        LinkClerk::new(Arc::new(links), Arc::new(accounts), desk())
    }

    #[tokio::test]
    async fn a_new_address_gets_the_link_that_moves_the_account() {
        let mut links = wish();
        links
            .expect_commit_link()
            .times(1)
            .withf(|it| {
                let mail = &it.change.effects.mails[0];
                let new = people::email("ada@example.org");
                (it.link.account, it.link.kind) == (people::ADA, LinkKind::EmailChange)
                    && it.link.new_email == Some(new.clone())
                    && mail.to == new
                    && mail.content == LinkKind::EmailChange.mail(it.link.expires_at)
            })
            .returning(|_| Ok(()));
        assert_eq!(clerk_for(links, false, AccountStatus::Active).round().await.unwrap(), 1);
    }

    #[rstest]
    #[case::taken(true, AccountStatus::Active)]
    #[case::suspended(false, AccountStatus::Suspended)]
    #[case::deleted(false, AccountStatus::Deleted)]
    #[tokio::test]
    async fn nobody_is_moved_to_a_taken_address_or_when_they_may_not_sign_in(
        #[case] taken: bool,
        #[case] status: AccountStatus,
    ) {
        let mut links = wish();
        links.expect_forget().times(1).returning(|_| Ok(()));
        assert_eq!(clerk_for(links, taken, status).round().await.unwrap(), 1);
    }
}
