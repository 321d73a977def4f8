//! What is known of a caller, before and after the policy was asked.

use std::{fmt, marker::PhantomData};

use crate::{
    account::AccountStatus,
    audit::Actor,
    change::Revision,
    id::{AccountId, ApiKeyId, WebSessionId},
    policy::{Proof, Role, ScopeSet, Standing},
    secret::Digest,
    tier::{Overrides, Plan, Tier},
    time::Timestamp,
};

/// A credential as it came in, reduced to what can be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    Key(Digest),
    /// From a token that the service itself sealed. An older `generation` is a token that was refreshed away.
    Session {
        id: WebSessionId,
        generation: i32,
    },
}

/// A credential as an actor: `key_…` or `wsk_…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    Key(ApiKeyId),
    Session(WebSessionId),
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => id.fmt(f),
            Self::Session(id) => write!(f, "wsk_{}", id.uuid().as_hyphenated()),
        }
    }
}

/// The facts behind a credential, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCaller {
    pub account: AccountId,
    pub status: AccountStatus,
    pub tier: Tier,
    pub overrides: Overrides,
    pub staff: bool,
    pub revision: Revision,
    pub credential: SeenCredential,
    pub last_used_at: Option<Timestamp>,
    pub workspace: Option<SeenWorkspace>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeenCredential {
    Key {
        id: ApiKeyId,
        scopes: ScopeSet,
        expires_at: Option<Timestamp>,
        revoked_at: Option<Timestamp>,
        minted_by: AccountId,
        /// How the minter stands now; `None` when the minter is the owner or no longer a member.
        minter: Option<SeenMinter>,
    },
    Session {
        id: WebSessionId,
        generation: i32,
        expires_at: Timestamp,
        ended_at: Option<Timestamp>,
        /// When its holder last proved that it is them.
        proven_at: Option<Timestamp>,
    },
}

/// The member in whose hands a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenMinter {
    pub role: Role,
    pub status: AccountStatus,
    pub revision: Revision,
}

/// The wanted workspace, seen through the caller's membership on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenWorkspace {
    pub owner: AccountId,
    pub status: AccountStatus,
    pub role: Role,
    pub tier: Tier,
    pub overrides: Overrides,
    pub revision: Revision,
}

/// A caller, and what their organisation is on: read where an operation acts in the active organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenInOrganisation {
    /// Its `workspace` is the organisation that was chosen, where the account has a membership there; `None` for its own.
    pub caller: SeenCaller,
    /// The plan of the account's own team.
    pub own_plan: Plan,
    /// That of the team in `workspace`.
    pub chosen_plan: Option<Plan>,
}

/// An authenticated caller in one workspace: everything that the policy looks at, and nothing it does not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// Whose credential it is.
    pub account: AccountId,
    pub account_revision: Revision,
    pub tier: Tier,
    /// Also those that are over.
    pub overrides: Overrides,
    pub credential: Credential,
    /// As granted; see [`ScopeSet::satisfied`].
    pub scopes: ScopeSet,
    /// In whose hands the credential is: the minter of a key, otherwise the account itself.
    pub hands: AccountId,
    /// Of that account. It moves when staff suspend whoever it is.
    pub hands_revision: Revision,
    pub workspace: AccountId,
    pub workspace_revision: Revision,
    /// Of the account that is acted on: its caps count there, whoever calls.
    pub workspace_tier: Tier,
    /// Also those that are over.
    pub workspace_overrides: Overrides,
    pub standing: Standing,
    /// What the organisation is on; `None` where the operation does not act in the active organisation, so nobody has asked.
    pub plan: Option<Plan>,
    /// A key proves nothing of whoever holds it.
    pub proof: Proof,
    /// Whether the last use that was noted is so old that this one should be noted too.
    pub to_be_touched: bool,
}

impl Access {
    /// Somebody on their own account. For a service that authenticates by itself and asks only the policy.
    pub fn at_home(account: AccountId, credential: Credential, scopes: ScopeSet) -> Self {
        Self {
            account,
            account_revision: Revision::default(),
            tier: Tier::Free,
            overrides: Overrides::NONE,
            credential,
            scopes,
            hands: account,
            hands_revision: Revision::default(),
            workspace: account,
            workspace_revision: Revision::default(),
            workspace_tier: Tier::Free,
            workspace_overrides: Overrides::NONE,
            standing: Standing::Owner,
            plan: None,
            proof: Proof::Never,
            to_be_touched: false,
        }
    }

    /// The same caller on the workspace of a team that they are a member of.
    #[must_use]
    pub fn acting_on(self, owner: AccountId, role: Role) -> Self {
        Self { workspace: owner, workspace_revision: Revision::default(), standing: role.into(), ..self }
    }

    /// Whether this is a key that a member minted on the owner's account.
    pub fn in_members_hands(&self) -> bool {
        self.hands != self.account
    }

    /// Who an audit entry names.
    pub fn actor(&self) -> Actor {
        Actor::Customer { account: self.hands, credential: Some(self.credential) }
    }
}

/// Proof that the policy allowed the operation `A` to this caller in this workspace.
pub struct Permit<A> {
    access: Access,
    operation: PhantomData<fn() -> A>,
}

impl<A> Permit<A> {
    pub(super) fn new(access: Access) -> Self {
        Self { access, operation: PhantomData }
    }

    /// For tests of use cases, which are not about the policy.
    #[cfg(any(test, feature = "testing"))]
    pub fn unchecked(access: Access) -> Self {
        Self::new(access)
    }

    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The permit of an operation of which `A` is what it is called in another dialect. Only a use case that stands for the
    /// other one makes it.
    pub(crate) fn standing_for<B>(&self) -> Permit<B> {
        Permit::new(self.access)
    }

    /// The account that is acted on.
    pub fn workspace(&self) -> AccountId {
        self.access.workspace
    }

    pub fn actor(&self) -> Actor {
        self.access.actor()
    }
}

impl<A> fmt::Debug for Permit<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.access).finish()
    }
}
