//! What the events of this service tell.

use serde_json::Value;

use super::event::{Event, EventData, EventType};
use crate::{
    audit::Actor,
    desk::Desk,
    id::{AccountId, ApiKeyId},
    membership::Membership,
    session::{EndedSession, Session},
};

impl Desk {
    /// `reason` is `revoked`, `member_removed` or `account_deleted`.
    pub(crate) fn key_revoked(&self, account: AccountId, by: Actor, key: ApiKeyId, reason: &str) -> Event {
        let data = [
            ("api_key_id", key.to_string().into()),
            ("reason", reason.into()),
            ("revoked_at", self.now().to_string().into()),
            ("revoked_by_account_id", account_of(by)),
        ];
        self.event(account, EventType::KeyRevoked, object(data))
    }

    pub(crate) fn session_completed(&self, session: &Session, ended: &EndedSession, by: Actor) -> Event {
        let profile = session.profile.map_or(Value::Null, |profile| profile.to_string().into());
        let data = [
            ("session_id", session.id.to_string().into()),
            ("archetype", session.archetype.as_str().into()),
            ("profile_id", profile),
            ("created_at", session.created_at.to_string().into()),
            ("destroyed_at", ended.at.to_string().into()),
            ("destroyed_by_account_id", account_of(by)),
        ];
        self.event(session.account, EventType::SessionCompleted, object(data))
    }

    /// For the owner of the team: a membership that begins, changes or ends.
    pub(crate) fn membership_event(&self, kind: EventType, membership: &Membership, by: Actor) -> Event {
        let data = [
            ("membership_id", membership.id.to_string().into()),
            ("member_account_id", membership.member.to_string().into()),
            (MEMBER_EMAIL, membership.member_email.as_str().into()),
            ("role", membership.role.as_str().into()),
            ("by_account_id", account_of(by)),
        ];
        let about = Some(membership.member);
        Event { about, ..self.event(membership.owner, kind, object(data)) }
    }
}

/// Takes the address of whom it is about out of what an event tells.
pub fn forget_member(data: &mut EventData) {
    data.insert(MEMBER_EMAIL.to_owned(), Value::Null);
}

const MEMBER_EMAIL: &str = "member_email";

/// Null where nobody with an account did it.
fn account_of(actor: Actor) -> Value {
    actor.account().map_or(Value::Null, |account| account.to_string().into())
}

fn object<const N: usize>(members: [(&str, Value); N]) -> EventData {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
