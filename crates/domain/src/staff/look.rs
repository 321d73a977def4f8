//! Finding accounts and looking at one.

use std::str::FromStr;

use super::{
    Staff, StaffError,
    noun::{AccountListed, SeenAccount},
};
use crate::{
    access::Permit,
    change::StoreError,
    email::Email,
    id::AccountId,
    page::{Page, PageRequest},
    policy::action::{ListAccounts, ReadAnyAccount},
};

/// The first characters of an e-mail address, folded as addresses are. A whole address is one too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailStart(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an e-mail address or the beginning of one, at most {} bytes", Email::MAX_BYTES)]
pub struct EmailStartError;

impl EmailStart {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What comes behind every address that begins so, when they are in the order of their bytes.
    pub fn behind(&self) -> String {
        format!("{}{}", self.0, char::MAX)
    }
}

impl FromStr for EmailStart {
    type Err = EmailStartError;

    fn from_str(text: &str) -> Result<Self, EmailStartError> {
        let folded = text.trim().to_lowercase();
        let plausible = (1..=Email::MAX_BYTES).contains(&folded.len())
            && !folded.chars().any(|c| c.is_whitespace() || c.is_control());
        if plausible { Ok(Self(folded)) } else { Err(EmailStartError) }
    }
}

impl Staff {
    /// All accounts, newest first; or those whose address begins so, in the order of the addresses.
    pub async fn list(
        &self,
        _: &Permit<ListAccounts>,
        start: Option<&EmailStart>,
        page: PageRequest,
    ) -> Result<Page<AccountListed>, StoreError> {
        match start {
            Some(start) => self.store.accounts_by_email(start, page).await,
            None => self.store.accounts(page).await,
        }
    }

    pub async fn read(&self, _: &Permit<ReadAnyAccount>, id: AccountId) -> Result<SeenAccount, StaffError> {
        self.seen(id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::one_letter("A", Some("a"))]
    #[case::a_whole_address(" Ada@Example.com ", Some("ada@example.com"))]
    #[case::wildcards_are_letters("a%_*", Some("a%_*"))]
    #[case::empty(" ", None)]
    #[case::two_words("ada b", None)]
    #[case::nul("a\0", None)]
    fn cases(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(text.parse::<EmailStart>().ok().as_ref().map(EmailStart::as_str), expected);
    }

    #[test]
    fn what_begins_so_lies_before_the_end() {
        let start: EmailStart = "ad".parse().unwrap();
        for address in ["ad", "ada@example.com", "ad\u{10fffd}@example.com"] {
            assert!((start.as_str()..start.behind().as_str()).contains(&address), "{address}");
        }
        assert!(!(start.as_str()..start.behind().as_str()).contains(&"ae"));
    }
}
