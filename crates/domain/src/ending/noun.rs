use std::time::Duration;

use crate::{
    account::AccountStatus,
    auth::LinkKind,
    avatar::AvatarKey,
    change::Revision,
    email::Email,
    id::{AccountId, ApiKeyId, EventId, LinkId, MailId, TeamId, WebSessionId},
    mail::MailKind,
    membership::Membership,
    organisation::MemberNumber,
    session::Session,
    time::{DAY, Timestamp},
    web_session::Agent,
    webhook::{Delivery, EventData, EventType},
};

/// A deleted account comes back by a sign-in for so long.
pub const GRACE: Duration = DAY.saturating_mul(30);

/// The time between a deletion and the purge. It ends with the purge, not with the clock: whoever signs in before the worker was
/// there has the account again.
#[derive(Debug, Clone, Copy)]
pub enum Grace {}

impl Grace {
    /// Whether the account is deleted and may come back.
    pub fn lasts(status: AccountStatus, purge_at: Option<Timestamp>) -> bool {
        status == AccountStatus::Deleted && purge_at.is_some()
    }

    /// Whether its holder may sign in, be it to bring it back.
    pub fn may_sign_in(status: AccountStatus, purge_at: Option<Timestamp>) -> bool {
        status == AccountStatus::Active || Self::lasts(status, purge_at)
    }
}

/// What a deletion is decided on.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenEnding {
    pub email: Email,
    pub status: AccountStatus,
    /// The teams of others that the account is on.
    pub departures: Vec<Departure>,
    /// The unrevoked keys on the account, in whosever hands. Whoever mints one moves the account's revision.
    pub keys: Vec<ApiKeyId>,
    /// The sessions that run on the account's workspace.
    pub running: Vec<Session>,
}

/// A membership that ends with the member's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    pub membership: Membership,
    pub owner_revision: Revision,
    /// The unrevoked keys on the owner's account that are in the member's hands.
    pub keys: Vec<ApiKeyId>,
}

/// An account that is due to be purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPurge {
    pub account: AccountId,
    pub purge_at: Timestamp,
    pub email: Email,
    pub avatar: Option<AvatarKey>,
    pub revision: Revision,
}

impl SeenPurge {
    pub fn place(&self) -> PurgePlace {
        PurgePlace { purge_at: self.purge_at, account: self.account }
    }
}

/// Where an account stands among those that are to be purged: the one that is due the longest is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgePlace {
    pub purge_at: Timestamp,
    pub account: AccountId,
}

/// A sign-in, also one that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSignIn {
    pub id: WebSessionId,
    pub agent: Agent,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// A link that was mailed and may still be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLink {
    pub id: LinkId,
    pub kind: LinkKind,
    pub new_email: Option<Email>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What the row of an account says beside what the account is shown as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAccount {
    pub number: MemberNumber,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub email_verified_at: Option<Timestamp>,
    pub staff: bool,
    /// The team of the organisation that its sign-ins act in; `None` is the own one.
    pub active_team: Option<TeamId>,
    /// Whether it wants to be told nothing of severe entries on its log.
    pub severe_declined: bool,
}

/// Something that happened on the account, and what became of it at each endpoint that wanted to hear of it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldEvent {
    pub id: EventId,
    pub kind: EventType,
    pub at: Timestamp,
    pub data: EventData,
    pub deliveries: Vec<Delivery>,
}

/// A mail that the account has caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldMail {
    pub id: MailId,
    pub to: Email,
    pub kind: MailKind,
    pub at: Timestamp,
    pub sent_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::people;
    use rstest::rstest;

    #[rstest]
    #[case::active(AccountStatus::Active, None, (false, true))]
    #[case::suspended(AccountStatus::Suspended, None, (false, false))]
    #[case::deleted(AccountStatus::Deleted, Some(people::LATER), (true, true))]
    #[case::due_and_not_purged(AccountStatus::Deleted, Some(people::EARLIER), (true, true))]
    #[case::purged(AccountStatus::Deleted, None, (false, false))]
    fn who_may_come_back(
        #[case] status: AccountStatus,
        #[case] purge_at: Option<Timestamp>,
        #[case] expected: (bool, bool),
    ) {
        assert_eq!((Grace::lasts(status, purge_at), Grace::may_sign_in(status, purge_at)), expected);
    }
}
