//! What a log says of people, so that it can be forgotten while the chain still holds.
//!
//! The chain covers a *commitment* to such a value, SHA-256 of a random salt and the value. The value and its salt lie beside it,
//! sealed under a key that is the account's own. Whoever is shown both can check them against the commitment; once the key is
//! gone, nobody can read the value or find it by trying, as the salt is gone too.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    chain::ChainHash,
    entry::{AuditDraft, AuditEntry},
    export::EntryView,
    port::AuditStore,
};
use crate::{
    change::StoreError,
    desk::Desk,
    id::{AccountId, AuditId},
    secret::{OwnKey, Sealed, Vault},
};

/// 256 random bits, written as 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Salt([u8; 32]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 lower-case hex digits")]
pub struct SaltError;

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for Salt {
    type Err = SaltError;

    fn from_str(text: &str) -> Result<Self, SaltError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| SaltError)?;
        bytes.try_into().map(Self).map_err(|_| SaltError)
    }
}

impl TryFrom<String> for Salt {
    type Error = SaltError;

    fn try_from(text: String) -> Result<Self, SaltError> {
        text.parse()
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> Self {
        salt.to_string()
    }
}

/// A value, and what shows that it is the one that was committed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclosure {
    pub salt: Salt,
    pub value: String,
}

impl Disclosure {
    /// The salt has a fixed length, so nothing of it can be taken for the value.
    pub fn commitment(&self) -> ChainHash {
        ChainHash::over(&[&self.salt.0, self.value.as_bytes()])
    }
}

/// What can be shown of an entry, by field.
pub type Disclosed = BTreeMap<String, Disclosure>;

/// By field, what the chain covers in the place of the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitments(pub BTreeMap<String, ChainHash>);

impl Commitments {
    pub(super) fn canonical(&self) -> Value {
        let by_field = self.0.iter();
        Value::Object(by_field.map(|(field, hash)| (field.clone(), Value::String(hash.to_string()))).collect())
    }
}

/// What a draft says of people, and who can seal it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Personal {
    fields: Disclosed,
    sealer: Option<Sealer>,
}

/// Drafts are compared by what they say; who seals it is no part of that.
#[derive(Clone)]
struct Sealer(Arc<dyn Vault>);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl PartialEq for Sealer {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What the key of an account is sealed for.
fn key_context(account: AccountId) -> String {
    format!("own key {account}")
}

fn entry_context(entry: AuditId) -> String {
    format!("audit {entry}")
}

impl Personal {
    pub(super) fn add(&mut self, desk: &Desk, field: &str, value: String) {
        self.fields.insert(field.to_owned(), Disclosure { salt: Salt(desk.secrets.bytes()), value });
        self.sealer.get_or_insert_with(|| Sealer(desk.vault.clone()));
    }

    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(|disclosure| disclosure.value.as_str())
    }

    pub fn disclosed(&self) -> &Disclosed {
        &self.fields
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(super) fn commitments(&self) -> Option<Commitments> {
        let commitments = || self.fields.iter().map(|(field, it)| (field.clone(), it.commitment())).collect();
        (!self.is_empty()).then(|| Commitments(commitments()))
    }
}

impl AuditDraft {
    /// A fresh key for the account's log, where the draft says something of people.
    pub fn fresh_key(&self) -> Option<Sealed> {
        let Sealer(vault) = self.personal.sealer.as_ref()?;
        Some(vault.own_key(&key_context(self.account)).sealed)
    }

    /// What it says of people, under a key of the account's log. `None`: it says nothing of anybody, or the key does not open.
    pub fn seal_personal(&self, key: &Sealed) -> Option<Sealed> {
        let Sealer(vault) = self.personal.sealer.as_ref()?;
        let key = OwnKey { context: key_context(self.account), sealed: key.clone() };
        let plain = serde_json::to_vec(&self.personal.fields).ok()?;
        vault.seal_under(&key, &entry_context(self.id), &plain).ok()
    }
}

/// Shows entries with what they say of people, as long as that is not forgotten.
#[derive(Clone)]
pub struct Opener {
    store: Arc<dyn AuditStore>,
    vault: Arc<dyn Vault>,
}

impl Opener {
    pub fn new(store: Arc<dyn AuditStore>, vault: Arc<dyn Vault>) -> Self {
        Self { store, vault }
    }

    /// Entries of one account's log as the wire shows them. The key is asked for only where an entry needs it.
    pub async fn open(&self, account: AccountId, entries: Vec<AuditEntry>) -> Result<Vec<EntryView>, StoreError> {
        let sealed = entries.iter().any(|entry| entry.personal.is_some());
        let keys = if sealed { self.store.own_keys(account).await? } else { Vec::new() };
        let keys: Vec<_> = keys.into_iter().map(|sealed| OwnKey { context: key_context(account), sealed }).collect();
        let open = |entry: AuditEntry| {
            let disclosed = self.disclosed(&keys, &entry).unwrap_or_default();
            EntryView::new(entry, disclosed)
        };
        Ok(entries.into_iter().map(open).collect())
    }

    /// `None`: it is forgotten, or the key is sealed with one that the vault has no more. The rest of a log is readable all the same.
    fn disclosed(&self, keys: &[OwnKey], entry: &AuditEntry) -> Option<Disclosed> {
        let (sealed, context) = (entry.personal.as_ref()?, entry_context(entry.id));
        let plain = keys.iter().find_map(|key| self.vault.unseal_under(key, &context, sealed).ok())?;
        serde_json::from_slice(&plain).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{Actor, AuditAction, chain, chain::Head, port::MockAuditStore},
        testing::{GlassVault, desk, people},
    };

    fn draft() -> AuditDraft {
        let id = AuditId::new(people::uuid(1));
        AuditDraft::new(id, people::OLIVE, people::NOW, Actor::System, AuditAction::MemberInvited)
            .with("role", "admin")
            .with_personal(&desk(), "invitee_email", "ada@example.com")
    }

    fn written(draft: &AuditDraft) -> (AuditEntry, Sealed) {
        let key = draft.fresh_key().unwrap();
        let mut entry = chain::link(Head::EMPTY, draft);
        entry.personal = Some(draft.seal_personal(&key).unwrap());
        (entry, key)
    }

    async fn opened(entry: AuditEntry, keys: Vec<Sealed>) -> EntryView {
        let mut store = MockAuditStore::new();
        store.expect_own_keys().times(1).returning(move |_| Ok(keys.clone()));
        let opener = Opener::new(Arc::new(store), Arc::new(GlassVault));
        opener.open(people::OLIVE, vec![entry]).await.unwrap().remove(0)
    }

    #[test]
    fn neither_the_entry_nor_what_is_sealed_has_the_value_in_clear() {
        let (entry, _) = written(&draft());
        assert!(!format!("{:?}", entry.payload).contains("ada@"));
        let sealed = entry.personal.unwrap();
        assert!(!sealed.0.windows(4).any(|window| window == b"ada@"));
        assert_eq!(entry.commitments.unwrap().0.len(), 1);
    }

    #[tokio::test]
    async fn with_the_key_the_value_is_shown_among_the_details() {
        let (entry, key) = written(&draft());
        // Also where it is not the newest one, or one that does not open.
        let view = opened(entry, vec![Sealed(b"lost".to_vec()), key]).await;
        assert_eq!(view.payload.unwrap()["invitee_email"], "ada@example.com");
        assert!(view.personal.unwrap()["invitee_email"].salt.is_some());
    }

    #[tokio::test]
    async fn without_the_key_it_is_null() {
        let (entry, _) = written(&draft());
        let view = opened(entry, Vec::new()).await;
        assert_eq!(view.payload.unwrap()["invitee_email"], Value::Null);
        assert!(view.personal.unwrap()["invitee_email"].salt.is_none());
    }

    #[tokio::test]
    async fn what_was_sealed_for_another_entry_does_not_open() {
        let (entry, key) = written(&draft());
        let moved = AuditEntry { id: AuditId::new(people::uuid(2)), ..entry };
        assert!(opened(moved, vec![key]).await.personal.unwrap()["invitee_email"].salt.is_none());
    }

    #[tokio::test]
    async fn an_entry_about_nobody_asks_for_no_key() {
        let id = AuditId::new(people::uuid(1));
        let draft = AuditDraft::new(id, people::OLIVE, people::NOW, Actor::System, AuditAction::TierChanged);
        assert_eq!((draft.fresh_key(), draft.personal.commitments()), (None, None));
        let opener = Opener::new(Arc::new(MockAuditStore::new()), Arc::new(GlassVault));
        let views = opener.open(people::OLIVE, vec![chain::link(Head::EMPTY, &draft)]).await.unwrap();
        assert!(views[0].personal.is_none());
    }

    #[test]
    fn a_commitment_depends_on_salt_and_value() {
        let of = |salt, value: &str| Disclosure { salt: Salt([salt; 32]), value: value.to_owned() }.commitment();
        assert_ne!(of(1, "ada"), of(2, "ada"));
        assert_ne!(of(1, "ada"), of(1, "bo"));
        // If this changes, no value that was ever committed to can be shown to be the one.
        assert_eq!(of(1, "ada").to_string(), "6e30efa5da71921cfd89e5699fae7586483b61670b4669d9429e26ec7000d11c");
    }
}
