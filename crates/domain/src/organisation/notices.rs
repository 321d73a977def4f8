//! Of what somebody wants to be told: the optional mails, and what happens on their log.

use super::Organisations;
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, Guard, Revision, StoreError, commits},
    id::AccountId,
    mail::{MailPreference, OptionalMail},
    policy::{
        Scope,
        action::{ReadNotices, SetNotices},
    },
};

/// One thing that somebody may want to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    Mail(OptionalMail),
    /// Entries of high severity on the own log, on the streams of [`crate::notify`].
    SevereEntries,
}

impl Notice {
    pub fn all() -> impl Iterator<Item = Self> {
        OptionalMail::ALL.iter().copied().map(Self::Mail).chain([Self::SevereEntries])
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail(mail) => mail.as_str(),
            Self::SevereEntries => "audit_high_severity",
        }
    }
}

/// Whether somebody wants to be told of a thing. What was never set is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeChoice {
    pub notice: Notice,
    pub wanted: bool,
}

/// What somebody has declined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenNotices {
    pub declined: Vec<OptionalMail>,
    pub severe_declined: bool,
    pub revision: Revision,
}

impl SeenNotices {
    fn wants(&self, notice: Notice) -> bool {
        match notice {
            Notice::Mail(mail) => !self.declined.contains(&mail),
            Notice::SevereEntries => !self.severe_declined,
        }
    }

    fn choices(&self) -> Vec<NoticeChoice> {
        Notice::all().map(|notice| NoticeChoice { notice, wanted: self.wants(notice) }).collect()
    }
}

/// What somebody wants from now on: what changes, and nothing else.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NoticeChange {
    pub account: AccountId,
    pub mails: Vec<MailPreference>,
    pub severe: Option<bool>,
    pub change: Change,
}

#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    #[error("name at least one kind of notice")]
    NothingToChange,
    /// Whoever finds a key could keep its owner from being told of what they do with it.
    #[error("what the log says of high severity is quieted by the account itself, with the scope `account_owner`")]
    QuietedByAnother,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(NoticeError);

impl Organisations {
    pub async fn notices(&self, by: &Permit<ReadNotices>) -> Result<Vec<NoticeChoice>, StoreError> {
        Ok(self.seen_notices(by.access().hands).await?.choices())
    }

    /// Chooses for the person who calls, not for their organisation. Answers with what they want then.
    pub async fn set_notices(
        &self,
        by: &Permit<SetNotices>,
        wished: &[NoticeChoice],
    ) -> Result<Vec<NoticeChoice>, NoticeError> {
        if wished.is_empty() {
            return Err(NoticeError::NothingToChange);
        }
        let person = by.access().hands;
        let seen = self.seen_notices(person).await?;
        let changed: Vec<_> = wished.iter().copied().filter(|it| seen.wants(it.notice) != it.wanted).collect();
        let touches_stream = changed.iter().any(|it| it.notice == Notice::SevereEntries);
        if touches_stream && !speaks_for_the_account(by) {
            return Err(NoticeError::QuietedByAnother);
        }
        let Some(effects) = self.entries(by, &changed) else { return Ok(seen.choices()) };
        let guard = Guard::from(by).and(person, seen.revision);
        let it = NoticeChange {
            account: person,
            mails: changed.iter().filter_map(|it| it.as_mail()).collect(),
            severe: changed.iter().find(|it| it.notice == Notice::SevereEntries).map(|it| it.wanted),
            change: Change::new(guard, effects),
        };
        self.store.commit_notices(&it).await?;
        Ok(seen
            .choices()
            .into_iter()
            .map(|now| changed.iter().find(|it| it.notice == now.notice).copied().unwrap_or(now))
            .collect())
    }

    /// One entry for each change; `None` where nothing changes.
    fn entries(&self, by: &Permit<SetNotices>, changed: &[NoticeChoice]) -> Option<Effects> {
        changed.iter().fold(None, |effects: Option<Effects>, choice| {
            let entry = self
                .desk
                .audit_as(by.actor(), by.access().hands, AuditAction::EmailPreferencesChanged)
                .with("event_type", choice.notice.as_str())
                .with("opted_in", choice.wanted);
            Some(match effects {
                None => Effects::audited(entry),
                Some(effects) => effects.and_audited(entry),
            })
        })
    }

    async fn seen_notices(&self, person: AccountId) -> Result<SeenNotices, StoreError> {
        let seen = self.store.seen_notices(person).await?;
        seen.ok_or_else(|| StoreError::Failed("a caller's account is missing".to_owned()))
    }
}

/// As whoever follows the stream must.
fn speaks_for_the_account(by: &Permit<SetNotices>) -> bool {
    let access = by.access();
    access.scopes.satisfied().contains(Scope::AccountOwner) && !access.in_members_hands()
}

impl NoticeChoice {
    fn as_mail(self) -> Option<MailPreference> {
        match self.notice {
            Notice::Mail(mail) => Some(MailPreference { mail, opted_in: self.wanted }),
            Notice::SevereEntries => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        access::Access,
        api_key::{ApiKeys, MockApiKeyStore},
        organisation::MockOrganisationStore,
        policy::{ScopeSet, Standing},
        team::MockTeamStore,
        testing::{desk, people},
    };
    use rstest::rstest;

    const TIER: Notice = Notice::Mail(OptionalMail::TierChanged);

    async fn set(wished: &[(Notice, bool)], entries: usize) -> Result<Vec<NoticeChoice>, NoticeError> {
        set_by(people::permit(), wished, entries).await
    }

    async fn set_by(
        by: Permit<SetNotices>,
        wished: &[(Notice, bool)],
        entries: usize,
    ) -> Result<Vec<NoticeChoice>, NoticeError> {
        let mut store = MockOrganisationStore::new();
        let seen =
            SeenNotices { declined: vec![OptionalMail::TierChanged], severe_declined: false, revision: Revision(1) };
        store.expect_seen_notices().returning(move |_| Ok(Some(seen.clone())));
        store
            .expect_commit_notices()
            .times(usize::from(entries > 0))
            .withf(move |it| it.change.effects.audit.len() == entries)
            .returning(|_| Ok(()));
        let keys = ApiKeys::new(Arc::new(MockApiKeyStore::new()), desk());
        let organisations = Organisations::new(Arc::new(store), Arc::new(MockTeamStore::new()), keys, desk());
        let wished: Vec<_> =
            wished.iter().map(|(notice, wanted)| NoticeChoice { notice: *notice, wanted: *wanted }).collect();
        organisations.set_notices(&by, &wished).await
    }

    #[rstest]
    #[case::what_is_so_already(&[(TIER, false), (Notice::SevereEntries, true)], 0)]
    #[case::one(&[(TIER, true), (Notice::SevereEntries, true)], 1)]
    #[case::both(&[(TIER, true), (Notice::SevereEntries, false)], 2)]
    #[tokio::test]
    async fn each_change_is_on_the_log_and_nothing_else(#[case] wished: &[(Notice, bool)], #[case] entries: usize) {
        let then = set(wished, entries).await.unwrap();
        assert_eq!(then.len(), Notice::all().count());
        for (notice, wanted) in wished {
            assert!(then.contains(&NoticeChoice { notice: *notice, wanted: *wanted }), "{notice:?}");
        }
    }

    #[rstest]
    #[case::without_the_scope(Scope::Write, people::OLIVE)]
    #[case::in_a_members_hands(Scope::AccountOwner, people::ADA)]
    #[tokio::test]
    async fn the_stream_is_quieted_by_the_account_alone(#[case] scope: Scope, #[case] hands: AccountId) {
        let access = Access { hands, ..people::access(ScopeSet::of(&[scope]), Standing::Owner) };
        let by = || Permit::unchecked(access);
        let refused = set_by(by(), &[(TIER, true), (Notice::SevereEntries, false)], 0).await;
        assert!(matches!(refused, Err(NoticeError::QuietedByAnother)));
        assert!(set_by(by(), &[(TIER, true), (Notice::SevereEntries, true)], 1).await.is_ok(), "it is so already");
    }

    #[tokio::test]
    async fn nothing_named_is_refused() {
        assert!(matches!(set(&[], 0).await, Err(NoticeError::NothingToChange)));
    }
}
