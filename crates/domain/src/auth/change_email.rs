//! Another e-mail address: the way into an account, so it is asked for with a fresh proof and confirmed from the new mailbox.
//!
//! Whether the new address has an account already must not show to whoever asks. So asking does the same for every address:
//! it notes the wish, voids the one before, and tells the present address. A worker looks the new one up afterwards.

use std::sync::Arc;

use super::{
    link::{LinkKind, LinkRequest, SeenLink},
    port::{LinkStore, SignInStore},
};
use crate::{
    access::Permit,
    audit::{Actor, AuditAction},
    change::{Change, CommitError, Effects, Guard, StoreError, Unique, commits},
    desk::Desk,
    email::Email,
    id::{AccountId, LinkId},
    mail::MailContent,
    policy::action::ChangeEmail,
    secret::LinkToken,
    time::Timestamp,
};

/// The wish for another address. Nothing of the account changes yet, so there is no audit entry.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EmailWish {
    pub account: AccountId,
    pub request: LinkRequest,
    pub change: Change,
}

/// An account at another address. Nobody has read mail there but whoever opened the link, so it counts as verified.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EmailChange {
    pub link: LinkId,
    pub account: AccountId,
    pub email: Email,
    pub at: Timestamp,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeEmailError {
    #[error("this is the address of the account already")]
    SameAddress,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(ChangeEmailError);

#[derive(Debug, thiserror::Error)]
pub enum ConfirmEmailError {
    #[error("this link is unknown, used or too old; ask for the change once more")]
    InvalidToken,
    /// Somebody has taken the address since the link was mailed. Only whoever reads mail there is told.
    #[error("another account has this address by now")]
    EmailTaken,
    #[error(transparent)]
    Commit(CommitError),
}

commits!(ConfirmEmailError);

impl From<CommitError> for ConfirmEmailError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Taken(Unique::Email) => Self::EmailTaken,
            error => Self::Commit(error),
        }
    }
}

/// Changes addresses.
pub struct EmailChanges {
    store: Arc<dyn SignInStore>,
    links: Arc<dyn LinkStore>,
    desk: Desk,
}

impl EmailChanges {
    pub fn new(store: Arc<dyn SignInStore>, links: Arc<dyn LinkStore>, desk: Desk) -> Self {
        Self { store, links, desk }
    }

    /// Notes that the caller wants to be at `email`, and says until when the link that is mailed there will work.
    pub async fn ask(&self, by: &Permit<ChangeEmail>, email: Email) -> Result<Timestamp, ChangeEmailError> {
        let account = by.workspace();
        let holder = self.store.seen_holder(account).await?;
        let holder = holder.ok_or_else(|| StoreError::Failed("a caller's account is missing".to_owned()))?;
        if holder.email == email {
            return Err(ChangeEmailError::SameAddress);
        }
        let (id, kind, at) = (LinkId::new(self.desk.ids.next()), LinkKind::EmailChange, self.desk.now());
        let request = LinkRequest { id, kind, email, account: Some(account), at };
        let expires_at = request.expires_at();
        let notice = self.desk.mail(holder.email, MailContent::EmailChangeNotice { expires_at });
        let it = EmailWish { account, request, change: Change::new(by, Effects::unaudited(notice)) };
        self.links.commit_email_wish(&it).await?;
        Ok(expires_at)
    }

    /// Moves the account to the address that the link was mailed to. Sessions and keys stay as they are; what was mailed to
    /// the older address stops working.
    pub async fn confirm(&self, token: &LinkToken) -> Result<(), ConfirmEmailError> {
        let seen = self.store.seen_link(&token.digest()).await?;
        let seen = seen.filter(|seen| seen.is_good(LinkKind::EmailChange, self.desk.now()));
        let (seen, email) = seen.and_then(with_new_email).ok_or(ConfirmEmailError::InvalidToken)?;
        let actor = Actor::Customer { account: seen.account, credential: None };
        let entry = self
            .desk
            .audit_as(actor, seen.account, AuditAction::EmailChanged)
            .on(seen.account)
            .with_personal(&self.desk, "from", seen.email.as_str())
            .with_personal(&self.desk, "to", email.as_str());
        let notice = self.desk.mail(seen.email, MailContent::EmailChanged);
        let change = Change::new(Guard::seen(seen.account, seen.revision), Effects::audited(entry).mailed([notice]));
        let it = EmailChange { link: seen.id, account: seen.account, email, at: self.desk.now(), change };
        Ok(self.store.commit_email_change(&it).await?)
    }
}

fn with_new_email(mut seen: SeenLink) -> Option<(SeenLink, Email)> {
    let email = seen.new_email.take()?;
    Some((seen, email))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::AccountStatus,
        auth::{
            port::{MockLinkStore, MockSignInStore},
            verify::tests::{link, token},
        },
        testing::{desk, people},
        time::HOUR,
    };
    use rstest::rstest;

    const NEW: &str = "ada@example.org";

    fn good() -> SeenLink {
        SeenLink { kind: LinkKind::EmailChange, new_email: Some(people::email(NEW)), ..link() }
    }

    /// Looks at nobody but the caller.
    fn holder() -> MockSignInStore {
        let mut store = MockSignInStore::new();
        let seen = people::seen_sign_in(AccountStatus::Active, true);
        store.expect_seen_holder().returning(move |_| Ok(Some(seen.clone())));
        store
    }

    fn changes(store: MockSignInStore, links: MockLinkStore) -> EmailChanges {
        EmailChanges::new(Arc::new(store), Arc::new(links), desk())
    }

    #[tokio::test]
    async fn asking_tells_the_present_address_and_looks_the_new_one_up_nowhere() {
        let mut links = MockLinkStore::new();
        links
            .expect_commit_email_wish()
            .times(1)
            .withf(|it| {
                let [notice] = it.change.effects.mails.as_slice() else { return false };
                (it.account, it.request.account) == (people::ADA, Some(people::ADA))
                    && it.request.email == people::email(NEW)
                    && notice.to == people::email("ada@example.com")
                    && notice.content == MailContent::EmailChangeNotice { expires_at: people::NOW.plus(HOUR) }
                    && notice.token.is_none()
            })
            .returning(|_| Ok(()));
        let until = changes(holder(), links).ask(&people::permit_of(people::ADA), people::email(NEW)).await.unwrap();
        assert_eq!(until, people::NOW.plus(HOUR));
    }

    #[tokio::test]
    async fn nobody_moves_to_where_they_are() {
        let same = people::email("Ada@Example.com");
        let refused = changes(holder(), MockLinkStore::new()).ask(&people::permit_of(people::ADA), same).await;
        assert!(matches!(refused, Err(ChangeEmailError::SameAddress)));
    }

    fn seen(link: Option<SeenLink>) -> MockSignInStore {
        let mut store = MockSignInStore::new();
        store.expect_seen_link().returning(move |_| Ok(link.clone()));
        store
    }

    #[tokio::test]
    async fn a_confirmed_change_is_on_the_log_with_sealed_addresses_and_the_older_address_is_told() {
        let mut store = seen(Some(good()));
        store
            .expect_commit_email_change()
            .times(1)
            .withf(|it| {
                let ([entry], [notice]) = (it.change.effects.audit.as_slice(), it.change.effects.mails.as_slice())
                else {
                    return false;
                };
                (it.account, &it.email, it.at) == (people::ADA, &people::email(NEW), people::NOW)
                    && (entry.action, entry.payload.is_empty()) == (AuditAction::EmailChanged, true)
                    && (entry.personal.get("from"), entry.personal.get("to")) == (Some("ada@example.com"), Some(NEW))
                    && (&notice.to, &notice.content) == (&people::email("ada@example.com"), &MailContent::EmailChanged)
            })
            .returning(|_| Ok(()));
        assert!(changes(store, MockLinkStore::new()).confirm(&token()).await.is_ok());
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::of_another_kind(Some(SeenLink { kind: LinkKind::MagicLink, ..good() }))]
    #[case::spent(Some(SeenLink { spent: true, ..good() }))]
    #[case::too_old(Some(SeenLink { expires_at: people::NOW, ..good() }))]
    #[case::suspended(Some(SeenLink { status: AccountStatus::Suspended, ..good() }))]
    #[case::deleted(Some(SeenLink { status: AccountStatus::Deleted, ..good() }))]
    #[case::without_an_address(Some(SeenLink { new_email: None, ..good() }))]
    #[tokio::test]
    async fn another_link_moves_nobody(#[case] link: Option<SeenLink>) {
        let refused = changes(seen(link), MockLinkStore::new()).confirm(&token()).await;
        assert!(matches!(refused, Err(ConfirmEmailError::InvalidToken)));
    }

    #[tokio::test]
    async fn an_address_that_was_taken_meanwhile_is_its_own_refusal() {
        let mut store = seen(Some(good()));
        store.expect_commit_email_change().returning(|_| Err(CommitError::Taken(Unique::Email)));
        let refused = changes(store, MockLinkStore::new()).confirm(&token()).await;
        assert!(matches!(refused, Err(ConfirmEmailError::EmailTaken)));
    }
}
