use serde_json::{Map, Value};

use super::action::AuditAction;
use super::chain::ChainHash;
use super::personal::{Commitments, Personal};
use crate::{
    access::Credential,
    desk::Desk,
    id::{AccountId, AuditId},
    secret::Sealed,
    time::Timestamp,
};

/// Details of an entry: a flat JSON object.
pub type Payload = Map<String, Value>;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person, through a credential where there was one. For a key this is the person in whose hands it is.
    Customer { account: AccountId, credential: Option<Credential> },
    /// Staff, through a web session. Whose session it is stands on the log of the staff member, not on that of the customer.
    Staff { credential: Credential },
    /// The service itself or its operator.
    System,
}

impl Actor {
    /// The public word for it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Customer { .. } => "customer",
            Self::Staff { .. } => "staff",
            Self::System => "system",
        }
    }

    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Customer { account, .. } => Some(*account),
            Self::Staff { .. } | Self::System => None,
        }
    }

    /// `key_…` or `wsk_…`.
    pub fn credential(&self) -> Option<String> {
        match self {
            Self::Customer { credential, .. } => credential.map(|credential| credential.to_string()),
            Self::Staff { credential } => Some(credential.to_string()),
            Self::System => None,
        }
    }
}

/// An entry that is not yet linked into its account's chain.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditDraft {
    pub id: AuditId,
    /// On whose log it lands.
    pub account: AccountId,
    pub at: Timestamp,
    pub actor: Actor,
    pub action: AuditAction,
    /// The public id of what it happened to.
    pub target: Option<String>,
    pub payload: Payload,
    /// What it says of people: shown among the details, and kept so that it can be forgotten.
    pub personal: Personal,
}

impl AuditDraft {
    pub fn new(id: AuditId, account: AccountId, at: Timestamp, actor: Actor, action: AuditAction) -> Self {
        Self { id, account, at, actor, action, target: None, payload: Payload::new(), personal: Personal::default() }
    }

    #[must_use]
    pub fn on(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.payload.insert(key.to_owned(), value.into());
        self
    }

    /// A detail that says something of somebody: an address, a name, words about them.
    #[must_use]
    pub(crate) fn with_personal(mut self, desk: &Desk, key: &str, value: impl Into<String>) -> Self {
        self.personal.add(desk, key, value.into());
        self
    }
}

/// An entry as it stands on the log, in the words of the wire: what is shown is what was hashed.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// 1 for the first entry of an account, then one more each.
    pub seq: i64,
    pub id: AuditId,
    pub account: AccountId,
    pub at: Timestamp,
    pub actor_type: String,
    pub actor_account: Option<AccountId>,
    pub actor_credential: Option<String>,
    pub action: String,
    pub target: Option<String>,
    pub payload: Payload,
    /// Of an entry that says something of people: what the chain covers of it.
    pub commitments: Option<Commitments>,
    /// And what it says, under the account's own key.
    pub personal: Option<Sealed>,
    pub prev_hash: ChainHash,
    pub hash: ChainHash,
}
