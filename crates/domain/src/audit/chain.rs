//! The hash chain of an account's audit log.
//!
//! The hash of an entry is SHA-256 over the hash of the entry before it (32 zero bytes for the first one) and the entry's
//! canonical bytes: a JSON array of its fields in a fixed order, without spaces, every object with its keys sorted.

use std::{fmt, str::FromStr};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::entry::{AuditDraft, AuditEntry};

/// Names the canonical form. Another form would get another name, so old entries stay provable.
const FORM: &str = "driftstack.audit.v1";
/// The form of an entry that says something of people: their commitments follow the payload.
const FORM_WITH_COMMITMENTS: &str = "driftstack.audit.v2";

/// SHA-256, written as 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ChainHash([u8; 32]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 lower-case hex digits")]
pub struct ChainHashError;

impl ChainHash {
    /// What the first entry follows.
    pub const GENESIS: Self = Self([0; 32]);

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn over(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for ChainHash {
    type Err = ChainHashError;

    fn from_str(text: &str) -> Result<Self, ChainHashError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| ChainHashError)?;
        bytes.try_into().map(Self).map_err(|_| ChainHashError)
    }
}

impl TryFrom<String> for ChainHash {
    type Error = ChainHashError;

    fn try_from(text: String) -> Result<Self, ChainHashError> {
        text.parse()
    }
}

impl From<ChainHash> for String {
    fn from(hash: ChainHash) -> Self {
        hash.to_string()
    }
}

/// Where a chain ends: the number and the hash of its newest entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: ChainHash,
}

impl Head {
    /// Of a log without entries.
    pub const EMPTY: Self = Self { seq: 0, hash: ChainHash::GENESIS };
}

/// Puts a draft behind `head`. What it says of people is still to be sealed: the chain covers only its commitments.
pub fn link(head: Head, draft: &AuditDraft) -> AuditEntry {
    let mut entry = AuditEntry {
        seq: head.seq.saturating_add(1),
        id: draft.id,
        account: draft.account,
        at: draft.at,
        actor_type: draft.actor.kind().to_owned(),
        actor_account: draft.actor.account(),
        actor_credential: draft.actor.credential(),
        action: draft.action.as_str().to_owned(),
        target: draft.target.clone(),
        payload: draft.payload.clone(),
        commitments: draft.personal.commitments(),
        personal: None,
        prev_hash: head.hash,
        hash: ChainHash::GENESIS,
    };
    entry.hash = hash(&entry);
    entry
}

/// The hash that an entry with these contents must have.
pub fn hash(entry: &AuditEntry) -> ChainHash {
    let mut canonical = json!([
        if entry.commitments.is_some() { FORM_WITH_COMMITMENTS } else { FORM },
        entry.seq,
        entry.id,
        entry.account,
        entry.at,
        entry.actor_type,
        entry.actor_account,
        entry.actor_credential,
        entry.action,
        entry.target,
        sorted(&entry.payload),
    ]);
    if let (Some(commitments), Value::Array(fields)) = (&entry.commitments, &mut canonical) {
        fields.push(commitments.canonical());
    }
    ChainHash::over(&[entry.prev_hash.as_bytes(), canonical.to_string().as_bytes()])
}

/// Sorts here, not in the JSON library: whether that one does depends on how somebody else's build has set it up.
fn sorted(object: &Map<String, Value>) -> Value {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    let sort_inner = |value: &Value| match value {
        Value::Object(inner) => sorted(inner),
        other => other.clone(),
    };
    Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), sort_inner(value))).collect())
}

/// Why a run of entries is not an unbroken part of a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("entry {seq} was changed: its hash is not that of its contents")]
    Changed { seq: i64 },
    #[error("entry {expected} is missing or out of order: entry {found} stands in its place")]
    Gap { expected: i64, found: i64 },
    #[error("entry {seq} does not follow the entry before it")]
    Unlinked { seq: i64 },
    #[error("entry {seq} belongs to another account")]
    Foreign { seq: i64 },
}

/// Proves that `entries`, oldest first, are unchanged and follow each other. Answers with where they end.
///
/// # Errors
/// The first entry that breaks the chain.
pub fn verify<'a>(entries: impl IntoIterator<Item = &'a AuditEntry>) -> Result<Option<Head>, Broken> {
    let mut before: Option<&AuditEntry> = None;
    for entry in entries {
        follows(before, entry)?;
        before = Some(entry);
    }
    Ok(before.map(|entry| Head { seq: entry.seq, hash: entry.hash }))
}

fn follows(before: Option<&AuditEntry>, entry: &AuditEntry) -> Result<(), Broken> {
    if let Some(before) = before {
        let expected = before.seq.saturating_add(1);
        if entry.seq != expected {
            return Err(Broken::Gap { expected, found: entry.seq });
        }
        if entry.prev_hash != before.hash {
            return Err(Broken::Unlinked { seq: entry.seq });
        }
        if entry.account != before.account {
            return Err(Broken::Foreign { seq: entry.seq });
        }
    } else if entry.seq == 1 && entry.prev_hash != ChainHash::GENESIS {
        return Err(Broken::Unlinked { seq: entry.seq });
    }
    if hash(entry) == entry.hash { Ok(()) } else { Err(Broken::Changed { seq: entry.seq }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{Actor, AuditAction},
        id::AuditId,
        testing::people,
    };

    fn log(length: u128) -> Vec<AuditEntry> {
        let mut head = Head::EMPTY;
        (1..=length)
            .map(|n| {
                let actor = Actor::Customer { account: people::OLIVE, credential: None };
                let draft = AuditDraft::new(
                    AuditId::new(people::uuid(n)),
                    people::OLIVE,
                    people::NOW,
                    actor,
                    AuditAction::KeyMinted,
                )
                .on("key_1")
                .with("name", format!("key {n}"));
                let entry = link(head, &draft);
                head = Head { seq: entry.seq, hash: entry.hash };
                entry
            })
            .collect()
    }

    #[test]
    fn the_canonical_form_is_fixed() {
        // If this changes, every log that was ever written stops being provable.
        let first = &log(1)[0];
        assert_eq!(first.hash.to_string(), "07755c568acbc79d6dd3be8e00157bfc55c93410b819aff27a701a8bed5f8037");
    }

    #[test]
    fn the_canonical_form_with_commitments_is_fixed_too() {
        let actor = Actor::Customer { account: people::OLIVE, credential: None };
        let draft = AuditDraft::new(
            AuditId::new(people::uuid(1)),
            people::OLIVE,
            people::NOW,
            actor,
            AuditAction::MemberInvited,
        )
        .on("inv_1")
        .with("role", "member")
        .with_personal(&crate::testing::desk(), "invitee_email", "ada@example.com");
        let entry = link(Head::EMPTY, &draft);
        assert_eq!(entry.hash.to_string(), "ecdcb3a94b43cfdc93137335a5bc4ab6d088b180c5dd17ceffc23e94cd94b5cb");
        let other = AuditEntry { commitments: None, ..entry.clone() };
        assert_ne!(hash(&other), entry.hash, "the commitments are covered");
    }

    #[test]
    fn an_untouched_log_holds() {
        let entries = log(5);
        assert_eq!(verify(&entries).unwrap().map(|head| head.seq), Some(5));
        assert!(verify(&entries[2..]).is_ok(), "a later part holds by itself");
    }

    #[test]
    fn a_changed_entry_is_found() {
        let mut entries = log(5);
        entries[2].payload.insert("name".into(), "other".into());
        assert_eq!(verify(&entries), Err(Broken::Changed { seq: 3 }));
    }

    #[test]
    fn a_removed_entry_is_found() {
        let mut entries = log(5);
        entries.remove(2);
        assert_eq!(verify(&entries), Err(Broken::Gap { expected: 3, found: 4 }));
    }

    #[test]
    fn a_reordered_entry_is_found() {
        let mut entries = log(5);
        entries.swap(1, 2);
        assert!(verify(&entries).is_err());
    }

    #[test]
    fn a_rewritten_entry_does_not_fit_the_next_one() {
        let mut entries = log(5);
        entries[2].action = "account.login".into();
        entries[2].hash = hash(&entries[2]);
        assert_eq!(verify(&entries), Err(Broken::Unlinked { seq: 4 }));
    }

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let mut entry = log(1).remove(0);
        let before = hash(&entry);
        let reversed: Vec<_> = entry.payload.clone().into_iter().rev().collect();
        entry.payload = reversed.into_iter().collect();
        assert_eq!(hash(&entry), before);
    }
}
