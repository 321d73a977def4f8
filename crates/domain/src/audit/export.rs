//! An exported log: one JSON document that proves itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chain::{self, Broken, ChainHash, Head};
use super::entry::{AuditEntry, Payload};
use super::personal::{Commitments, Disclosed, Disclosure, Salt};
use crate::{
    id::{AccountId, AuditId},
    time::Timestamp,
};

/// An export holds at most so many entries, the newest ones.
pub const MAX_ROWS: usize = 10_000;
/// And at most so many bytes: published clients refuse an answer of more than 8 MiB.
pub const MAX_BYTES: usize = 7 * 1024 * 1024;

/// An entry as the wire shows it, with its links.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryView {
    pub id: AuditId,
    pub account_id: AccountId,
    pub actor_type: String,
    pub actor_account_id: Option<AccountId>,
    pub actor_key_id: Option<String>,
    pub action: String,
    pub target_resource_id: Option<String>,
    /// With what the entry says of people; null where that is forgotten.
    pub payload: Option<Payload>,
    /// By field of the payload that says something of somebody: how it is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<BTreeMap<String, PersonalView>>,
    /// Always null: the service stores no address.
    pub ip_address: Option<Never>,
    /// Always null: the service stores no user agent.
    pub user_agent: Option<Never>,
    pub timestamp: Timestamp,
    pub seq: i64,
    pub prev_hash: ChainHash,
    pub hash: ChainHash,
}

/// What the chain covers of a value, and the salt that shows that it is this value; `None` where it is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonalView {
    pub commitment: ChainHash,
    pub salt: Option<Salt>,
}

/// A value that nothing parses as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Never {}

impl From<AuditEntry> for EntryView {
    /// Without what it says of people.
    fn from(entry: AuditEntry) -> Self {
        Self::new(entry, Disclosed::new())
    }
}

impl EntryView {
    pub fn new(entry: AuditEntry, mut disclosed: Disclosed) -> Self {
        let mut payload = entry.payload;
        let personal = entry.commitments.map(|Commitments(by_field)| {
            let shown = by_field.into_iter().map(|(field, commitment)| {
                let (salt, value) = match disclosed.remove(&field) {
                    Some(Disclosure { salt, value }) => (Some(salt), Value::String(value)),
                    None => (None, Value::Null),
                };
                payload.insert(field.clone(), value);
                (field, PersonalView { commitment, salt })
            });
            shown.collect()
        });
        Self {
            id: entry.id,
            account_id: entry.account,
            actor_type: entry.actor_type,
            actor_account_id: entry.actor_account,
            actor_key_id: entry.actor_credential,
            action: entry.action,
            target_resource_id: entry.target,
            payload: Some(payload).filter(|payload| !payload.is_empty()),
            personal,
            ip_address: None,
            user_agent: None,
            timestamp: entry.at,
            seq: entry.seq,
            prev_hash: entry.prev_hash,
            hash: entry.hash,
        }
    }
}

impl TryFrom<EntryView> for AuditEntry {
    type Error = ExportBroken;

    /// What the chain covers, after a look at every value that it covers only a commitment to.
    fn try_from(view: EntryView) -> Result<Self, ExportBroken> {
        let mut payload = view.payload.unwrap_or_default();
        for (field, PersonalView { commitment, salt }) in view.personal.iter().flatten() {
            let value = payload.remove(field);
            let holds = match (salt, value) {
                (Some(salt), Some(Value::String(value))) => {
                    Disclosure { salt: *salt, value }.commitment() == *commitment
                }
                (None, Some(Value::Null)) => true,
                _ => false,
            };
            if !holds {
                return Err(ExportBroken::Value { seq: view.seq, field: field.clone() });
            }
        }
        let commitment = |(field, it): (String, PersonalView)| (field, it.commitment);
        let commitments = view.personal.map(|shown| Commitments(shown.into_iter().map(commitment).collect()));
        Ok(Self {
            seq: view.seq,
            id: view.id,
            account: view.account_id,
            at: view.timestamp,
            actor_type: view.actor_type,
            actor_account: view.actor_account_id,
            actor_credential: view.actor_key_id,
            action: view.action,
            target: view.target_resource_id,
            payload,
            commitments,
            personal: None,
            prev_hash: view.prev_hash,
            hash: view.hash,
        })
    }
}

/// The end of an export: what was left out, and a hash over all that the chain itself does not cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    pub generated_at: Timestamp,
    pub account_id: AccountId,
    pub row_count: i64,
    /// Older entries were left out.
    pub truncated: bool,
    pub head_hash: ChainHash,
    pub export_hash: ChainHash,
}

impl Seal {
    /// Seals `row_count` entries that end in `head`.
    pub fn new(generated_at: Timestamp, account_id: AccountId, row_count: i64, truncated: bool, head: Head) -> Self {
        let mut seal = Self {
            generated_at,
            account_id,
            row_count,
            truncated,
            head_hash: head.hash,
            export_hash: ChainHash::GENESIS,
        };
        seal.export_hash = seal.expected_hash();
        seal
    }

    fn expected_hash(&self) -> ChainHash {
        let text = format!(
            "driftstack.export.v1\n{}\n{}\n{}\n{}\n{}",
            self.generated_at, self.account_id, self.row_count, self.truncated, self.head_hash
        );
        ChainHash::over(&[text.as_bytes()])
    }
}

/// A whole export, newest entry first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Value>")]
pub struct Export {
    pub data: Vec<EntryView>,
    #[serde(flatten)]
    pub seal: Seal,
}

/// A field that nobody wrote is refused: `flatten` alone lets it pass.
impl TryFrom<BTreeMap<String, Value>> for Export {
    type Error = serde_json::Error;

    fn try_from(mut document: BTreeMap<String, Value>) -> Result<Self, serde_json::Error> {
        let data = document.remove("data").ok_or_else(|| serde::de::Error::missing_field("data"))?;
        let seal = Value::Object(document.into_iter().collect());
        Ok(Self { data: serde_json::from_value(data)?, seal: serde_json::from_value(seal)? })
    }
}

impl Export {
    /// Values about people that the document does not show: forgotten by the service, or taken out by whoever handed it on. The
    /// chain holds in either case.
    pub fn withheld(&self) -> usize {
        self.data.iter().flat_map(|entry| entry.personal.iter().flatten()).filter(|(_, it)| it.salt.is_none()).count()
    }
}

/// Why an export does not prove itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportBroken {
    #[error(transparent)]
    Chain(#[from] Broken),
    #[error("`{field}` of entry {seq} was changed: its value is not the one that was committed to")]
    Value { seq: i64, field: String },
    #[error("the head of the document was changed: its hash is not that of its contents")]
    Seal,
    #[error("the document says {said} entries and holds {held}")]
    Count { said: i64, held: usize },
    #[error("the newest entry is not the one that the head names")]
    Head,
    #[error(
        "the oldest entries are missing: the first one here is {first}, and the document does not say that it is truncated"
    )]
    Start { first: i64 },
    #[error("the document says that it is truncated, yet it begins with the first entry")]
    NotTruncated,
    #[error("the entries belong to another account than the document")]
    Account,
}

/// Proves that nothing inside an export was changed, removed or reordered. Answers with the head of the chain.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(export: Export) -> Result<Head, ExportBroken> {
    let Export { data, seal } = export;
    let oldest_first: Vec<AuditEntry> = data.into_iter().rev().map(AuditEntry::try_from).collect::<Result<_, _>>()?;
    // The chain first: it names the entry at which it breaks.
    let head = chain::verify(&oldest_first)?.unwrap_or(Head::EMPTY);
    if usize::try_from(seal.row_count) != Ok(oldest_first.len()) {
        return Err(ExportBroken::Count { said: seal.row_count, held: oldest_first.len() });
    }
    if let Some(first) = oldest_first.first() {
        if first.account != seal.account_id {
            return Err(ExportBroken::Account);
        }
        match (seal.truncated, first.seq) {
            (false, 2..) => return Err(ExportBroken::Start { first: first.seq }),
            (true, 1) => return Err(ExportBroken::NotTruncated),
            _ => {}
        }
    }
    if head.hash != seal.head_hash {
        return Err(ExportBroken::Head);
    }
    if seal.expected_hash() != seal.export_hash {
        return Err(ExportBroken::Seal);
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{Actor, AuditAction, AuditDraft},
        testing::{desk, people},
    };
    use proptest::prelude::*;
    use serde_json::Value;

    fn export(entries: u128, left_out: usize) -> Export {
        let mut head = Head::EMPTY;
        let mut data: Vec<EntryView> = (1..=entries)
            .map(|n| {
                let draft = AuditDraft::new(
                    AuditId::new(people::uuid(n)),
                    people::OLIVE,
                    people::NOW,
                    Actor::System,
                    AuditAction::TierChanged,
                )
                .with("to", "enterprise");
                // Of three entries one says something of somebody, and of another that is forgotten.
                let draft = if n % 3 == 0 { draft } else { draft.with_personal(&desk(), "note", "called twice") };
                let disclosed = if n % 3 == 1 { draft.personal.disclosed().clone() } else { Disclosed::new() };
                let entry = chain::link(head, &draft);
                head = Head { seq: entry.seq, hash: entry.hash };
                EntryView::new(entry, disclosed)
            })
            .collect();
        data.drain(..left_out);
        data.reverse();
        let rows = i64::try_from(data.len()).unwrap();
        Export { data, seal: Seal::new(people::NOW, people::OLIVE, rows, left_out > 0, head) }
    }

    #[test]
    fn a_whole_export_and_a_truncated_one_hold() {
        assert_eq!(verify(export(4, 0)).unwrap().seq, 4);
        assert_eq!(verify(export(4, 2)).unwrap().seq, 4);
        assert_eq!(verify(export(0, 0)).unwrap(), Head::EMPTY);
    }

    #[test]
    fn another_value_than_the_one_committed_to_is_found() {
        let of = |value: Value| {
            let mut export = export(4, 0);
            // Entry 4 shows what it says.
            export.data[0].payload.as_mut().unwrap().insert("note".to_owned(), value);
            verify(export)
        };
        let broken = Err(ExportBroken::Value { seq: 4, field: "note".to_owned() });
        assert!(of("called twice".into()).is_ok());
        for other in [Value::from("called once"), Value::Null, Value::from(1)] {
            assert_eq!(of(other), broken);
        }
        let mut made_up = export(4, 0);
        made_up.data[2].payload.as_mut().unwrap().insert("note".to_owned(), "called".into());
        assert_eq!(verify(made_up), Err(ExportBroken::Value { seq: 2, field: "note".to_owned() }));
    }

    #[test]
    fn a_value_cannot_be_passed_off_as_one_that_the_chain_never_covered() {
        let mut stripped = export(4, 0);
        stripped.data[0].personal = None;
        assert_eq!(verify(stripped), Err(ExportBroken::Chain(Broken::Changed { seq: 4 })));
        let mut forgotten = export(4, 0);
        forgotten.data[0].payload.as_mut().unwrap().insert("note".to_owned(), Value::Null);
        forgotten.data[0].personal.as_mut().unwrap().get_mut("note").unwrap().salt = None;
        assert_eq!(forgotten.withheld(), export(4, 0).withheld() + 1, "its reader can tell");
        assert!(verify(forgotten).is_ok(), "what is forgotten breaks nothing");
    }

    #[test]
    fn cutting_off_either_end_is_found() {
        let mut without_newest = export(4, 0);
        without_newest.data.remove(0);
        without_newest.seal =
            Seal::new(people::NOW, people::OLIVE, 3, false, Head { seq: 4, hash: without_newest.seal.head_hash });
        assert_eq!(verify(without_newest), Err(ExportBroken::Head));
        let mut without_oldest = export(4, 0);
        without_oldest.data.pop();
        without_oldest.seal.row_count = 3;
        assert_eq!(verify(without_oldest), Err(ExportBroken::Start { first: 2 }));
    }

    /// Every place in the document that holds a value, as a JSON pointer.
    fn leaves(value: &Value, path: String, into: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| leaves(value, format!("{path}/{key}"), into)),
            Value::Array(list) => {
                for (n, value) in list.iter().enumerate() {
                    leaves(value, format!("{path}/{n}"), into);
                }
            }
            _ => into.push(path),
        }
    }

    fn holds(document: Value) -> bool {
        serde_json::from_value::<Export>(document).is_ok_and(|export| verify(export).is_ok())
    }

    fn changed(old: &Value, salt: u64) -> Value {
        match old {
            Value::Null => Value::from("x"),
            Value::Bool(b) => Value::from(!b),
            Value::Number(n) => Value::from(n.as_i64().unwrap_or(0) + 1 + i64::try_from(salt % 7).unwrap()),
            _ => Value::from(format!("{}{salt}", old.as_str().unwrap_or(""))),
        }
    }

    proptest! {
        #[test]
        fn any_single_change_to_an_export_is_found(entries in 1_u128..5, left_out in 0_usize..2, pick: prop::sample::Index, salt: u64) {
            let whole = serde_json::to_value(export(entries, left_out.min(usize::try_from(entries).unwrap() - 1))).unwrap();
            prop_assert!(holds(whole.clone()));
            let mut paths = Vec::new();
            leaves(&whole, String::new(), &mut paths);
            let path = pick.get(&paths);
            let mut document = whole.clone();
            let place = document.pointer_mut(path).unwrap();
            *place = changed(place, salt);
            prop_assert!(!holds(document), "{} was changed unnoticed", path);
        }

        #[test]
        fn an_added_field_is_found(entries in 1_u128..4) {
            let document = serde_json::to_value(export(entries, 0)).unwrap();
            let (mut inside, mut beside) = (document.clone(), document);
            inside["data"][0]["note"] = Value::from("x");
            beside["note"] = Value::from("x");
            prop_assert!(!holds(inside));
            prop_assert!(!holds(beside));
        }
    }
}
