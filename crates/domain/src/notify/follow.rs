//! Following a log: from where on, what is new, and who is still told.

use std::sync::Arc;

use super::{
    port::{Bell, Ear, WishStore},
    seats::{Seat, Seats, TooMany},
};
use crate::{
    access::Permit,
    audit::{AuditEntry, AuditStore, Opener, export::EntryView},
    change::StoreError,
    id::{AccountId, AuditId},
    policy::action::FollowNotifications,
    secret::Vault,
};

/// Who resumes further back reads the log instead: what would be told is most of it.
const MAX_BEHIND: i64 = 10_000;

/// Entries that are read at a time.
const CHUNK: u16 = 100;

#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("no entry of this log has that id; read the log, and begin without one")]
    UnknownEntry,
    #[error("more than {MAX_BEHIND} entries were written since that one; read the log, and begin without it")]
    TooFarBehind,
    #[error(transparent)]
    TooMany(#[from] TooMany),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lets callers follow the log of their account.
pub struct Notifications {
    store: Arc<dyn AuditStore>,
    wishes: Arc<dyn WishStore>,
    bell: Arc<dyn Bell>,
    opener: Opener,
    seats: Seats,
}

impl Notifications {
    pub fn new(
        store: Arc<dyn AuditStore>,
        wishes: Arc<dyn WishStore>,
        bell: Arc<dyn Bell>,
        vault: Arc<dyn Vault>,
    ) -> Self {
        Self { opener: Opener::new(store.clone(), vault), store, wishes, bell, seats: Seats::default() }
    }

    /// Begins behind the entry `since`, or with what is written from now on.
    pub async fn follow(
        &self,
        by: &Permit<FollowNotifications>,
        since: Option<AuditId>,
    ) -> Result<Following, FollowError> {
        let account = by.workspace();
        let seat = self.seats.take(account)?;
        // Before the log is looked at: what is written between the two is heard.
        let ear = self.bell.listen(account);
        let newest = self.store.entries_down_from(account, i64::MAX, 1).await?.pop();
        let end = newest.as_ref().map_or(0, |entry| entry.seq);
        let (told, begun_at) = match since {
            Some(id) => (self.number_of(account, id, end).await?, Some(id)),
            None => (end, newest.map(|entry| entry.id)),
        };
        let (store, wishes, opener) = (self.store.clone(), self.wishes.clone(), self.opener.clone());
        Ok(Following { account, store, wishes, opener, told, begun_at, ear, _seat: seat })
    }

    async fn number_of(&self, account: AccountId, id: AuditId, end: i64) -> Result<i64, FollowError> {
        let number = self.store.number_of(account, id).await?.ok_or(FollowError::UnknownEntry)?;
        if end - number > MAX_BEHIND { Err(FollowError::TooFarBehind) } else { Ok(number) }
    }

    /// How many follow, in this process.
    pub fn followers(&self) -> u32 {
        self.seats.taken()
    }
}

/// Somebody who follows a log. Their seat is free again when this is dropped.
pub struct Following {
    account: AccountId,
    store: Arc<dyn AuditStore>,
    wishes: Arc<dyn WishStore>,
    opener: Opener,
    /// Everything up to this number was told, or is not worth telling.
    told: i64,
    begun_at: Option<AuditId>,
    ear: Box<dyn Ear>,
    _seat: Seat,
}

/// Severe entries that are not told yet: for that a permit is needed which is as new as they are.
#[derive(Debug)]
pub struct News {
    entries: Vec<EntryView>,
}

impl Following {
    /// The entry behind which this began: whoever resumes there misses nothing.
    pub fn begun_at(&self) -> Option<AuditId> {
        self.begun_at
    }

    /// What comes next, oldest first; `None` at the end of the log. To somebody who has declined to be told, it is as if nothing
    /// severe had happened: it is not made up for later.
    pub async fn look(&mut self) -> Result<Option<News>, StoreError> {
        loop {
            let chunk = self.store.entries_up_from(self.account, self.told, CHUNK).await?;
            let Some(last) = chunk.last().map(|entry| entry.seq) else { return Ok(None) };
            let entries: Vec<_> = chunk.into_iter().filter(AuditEntry::is_severe).collect();
            if !entries.is_empty() && !self.wishes.declines_severe(self.account).await? {
                return Ok(Some(News { entries: self.opener.open(self.account, entries).await? }));
            }
            self.told = last;
        }
    }

    /// Tells what was found to somebody who was asked *afterwards* whether they still may.
    pub fn tell(&mut self, news: News, _still: &Permit<FollowNotifications>) -> Vec<EntryView> {
        self.told = news.entries.last().map_or(self.told, |last| last.seq);
        news.entries
    }

    /// Answers when it is worth looking again.
    pub async fn heard(&mut self) {
        self.ear.heard().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{Actor, AuditAction, AuditDraft, MockAuditStore, chain},
        notify::{MAX_STREAMS, MockBell, MockEar, MockWishStore},
        testing::{GlassVault, people},
    };
    use AuditAction::{KeyMinted, KeyRevoked, TeamUpdated};

    fn id(seq: usize) -> AuditId {
        AuditId::new(people::uuid(u128::try_from(seq).unwrap()))
    }

    fn log(actions: &[AuditAction]) -> Vec<AuditEntry> {
        let mut head = chain::Head::EMPTY;
        let mut entries = Vec::new();
        for (at, action) in actions.iter().enumerate() {
            let entry =
                chain::link(head, &AuditDraft::new(id(at + 1), people::OLIVE, people::NOW, Actor::System, *action));
            head = chain::Head { seq: entry.seq, hash: entry.hash };
            entries.push(entry);
        }
        entries
    }

    fn notifications(log: Vec<AuditEntry>) -> Notifications {
        notifications_of(log, false)
    }

    fn notifications_of(log: Vec<AuditEntry>, declined: bool) -> Notifications {
        let mut wishes = MockWishStore::new();
        wishes.expect_declines_severe().returning(move |_| Ok(declined));
        let (mut store, mut bell) = (MockAuditStore::new(), MockBell::new());
        let entries = log.clone();
        store.expect_entries_down_from().returning(move |_, _, _| Ok(entries.last().cloned().into_iter().collect()));
        let entries = log.clone();
        store.expect_number_of().returning(move |_, id| Ok(entries.iter().find(|it| it.id == id).map(|it| it.seq)));
        store.expect_entries_up_from().returning(move |_, after, limit| {
            Ok(log.iter().filter(|it| it.seq > after).take(limit.into()).cloned().collect())
        });
        bell.expect_listen().returning(|_| Box::new(MockEar::new()));
        Notifications::new(Arc::new(store), Arc::new(wishes), Arc::new(bell), Arc::new(GlassVault))
    }

    async fn told(following: &mut Following) -> Vec<i64> {
        let mut numbers = Vec::new();
        while let Some(news) = following.look().await.unwrap() {
            numbers.extend(following.tell(news, &people::permit()).iter().map(|entry| entry.seq));
        }
        numbers
    }

    #[tokio::test]
    async fn what_was_there_before_is_not_told() {
        let notifications = notifications(log(&[KeyMinted, TeamUpdated]));
        let mut following = notifications.follow(&people::permit(), None).await.unwrap();
        assert_eq!(following.begun_at(), Some(id(2)));
        assert!(told(&mut following).await.is_empty());
    }

    #[tokio::test]
    async fn whoever_resumes_is_told_what_is_severe_and_that_once() {
        let notifications = notifications(log(&[KeyMinted, TeamUpdated, KeyRevoked, TeamUpdated, KeyMinted]));
        let mut following = notifications.follow(&people::permit(), Some(id(1))).await.unwrap();
        assert_eq!(told(&mut following).await, [3, 5]);
        assert!(told(&mut following).await.is_empty());
    }

    #[tokio::test]
    async fn whoever_has_declined_is_told_nothing() {
        let notifications = notifications_of(log(&[KeyMinted, TeamUpdated, KeyRevoked]), true);
        let mut following = notifications.follow(&people::permit(), Some(id(1))).await.unwrap();
        assert!(told(&mut following).await.is_empty());
    }

    #[tokio::test]
    async fn a_long_stretch_is_told_in_order_and_whole() {
        let mut actions = vec![TeamUpdated; 250];
        actions.extend([KeyMinted; 250]);
        let notifications = notifications(log(&actions));
        let mut following = notifications.follow(&people::permit(), Some(id(1))).await.unwrap();
        assert_eq!(told(&mut following).await, (251..=500).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn what_was_found_and_not_told_is_found_again() {
        let notifications = notifications(log(&[TeamUpdated, KeyMinted]));
        let mut following = notifications.follow(&people::permit(), Some(id(1))).await.unwrap();
        drop(following.look().await.unwrap().unwrap());
        assert_eq!(told(&mut following).await, [2]);
    }

    #[tokio::test]
    async fn one_resumes_at_an_entry_of_the_log_that_is_not_long_ago() {
        let ten_thousand_later = log(&vec![TeamUpdated; 10_002]);
        let notifications = notifications(ten_thousand_later);
        let follow = async |seq| notifications.follow(&people::permit(), Some(id(seq))).await.err();
        assert!(matches!(follow(20_000).await, Some(FollowError::UnknownEntry)));
        assert!(matches!(follow(1).await, Some(FollowError::TooFarBehind)));
        assert!(follow(2).await.is_none());
    }

    #[tokio::test]
    async fn a_refused_follower_leaves_no_seat_taken() {
        let notifications = notifications(log(&[KeyMinted]));
        for _ in 0..=MAX_STREAMS {
            assert!(notifications.follow(&people::permit(), Some(id(9))).await.is_err());
        }
        assert_eq!(notifications.followers(), 0);
    }
}
