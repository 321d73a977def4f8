//! From a credential to a permit.

use std::sync::Arc;

use super::caller::{Access, Credential, Permit, Presented, SeenCaller, SeenCredential, SeenInOrganisation};
use super::port::CallerStore;
use crate::{
    account::AccountStatus,
    change::{MaybeStale, Revision, StoreError},
    id::AccountId,
    limit::{Bucket, LimitKey, Quota},
    policy::{Action, Charge, Denied, Operation, Proof, Scope, ScopeSet, Standing, Workspace, decide},
    tier::{Overrides, Plan, Tier, effective_quota},
    time::{Clock, MINUTE, Timestamp},
};

/// The credential does not authenticate anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAuthenticated {
    #[error("send a credential as `Authorization: Bearer <token>`")]
    Missing,
    #[error("this API key does not exist; check that it was copied whole")]
    InvalidKey,
    #[error("this API key was revoked; mint another one")]
    RevokedKey,
    #[error("this API key has expired; mint another one")]
    ExpiredKey,
    #[error("this session is not valid any more; sign in again")]
    SessionOver,
}

#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    #[error(transparent)]
    NotAuthenticated(#[from] NotAuthenticated),
    #[error("{0}")]
    Denied(Denied),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MaybeStale for AdmitError {
    fn is_stale(&self) -> bool {
        false
    }
}

/// Asks every caller who they are and whether they may.
pub struct Doorkeeper {
    callers: Arc<dyn CallerStore>,
    clock: Arc<dyn Clock>,
}

impl Doorkeeper {
    pub fn new(callers: Arc<dyn CallerStore>, clock: Arc<dyn Clock>) -> Self {
        Self { callers, clock }
    }

    /// Looks the caller up and asks the policy for `A`. One round trip to the store.
    ///
    /// `wanted` is the workspace that the caller named; it counts only where the operation honours one.
    pub async fn knock<A: Operation>(
        &self,
        presented: &Presented,
        wanted: Option<AccountId>,
    ) -> Result<Knock<A>, AdmitError> {
        let (seen, plan, wanted) = match A::ACTION.gates().workspace {
            Workspace::Own => (self.callers.seen_caller(presented, None).await?, None, None),
            Workspace::Chosen => (self.callers.seen_caller(presented, wanted).await?, None, wanted),
            Workspace::Active => match self.callers.seen_in_organisation(presented).await? {
                Some(seen) => {
                    let organisation = seen.active();
                    (Some(seen.caller), Some(organisation.plan), organisation.owner)
                }
                None => (None, None, None),
            },
        };
        let seen = seen.ok_or_else(|| unknown(presented))?;
        let seen = if A::ACTION == Action::DeleteAccount { seen.before_its_deletion() } else { seen };
        let now = self.clock.now();
        let at_home = Access { plan, ..seen.authenticate(presented, now)? };
        let entered = seen.enter(at_home, wanted);
        let answer = permit::<A>(entered);
        let SeenCaller { account, tier, overrides, .. } = seen;
        Ok(Knock { account, tier, overrides, at: now, entered, answer })
    }

    /// [`Self::knock`] for whoever has no use for a caller that is refused.
    pub async fn admit<A: Operation>(
        &self,
        presented: &Presented,
        wanted: Option<AccountId>,
    ) -> Result<Permit<A>, AdmitError> {
        self.knock(presented, wanted).await?.answer.map_err(AdmitError::Denied)
    }

    /// Notes the use of a credential. Called when [`Access::to_be_touched`] says so, it writes once a minute at the most, and
    /// what is shown is never more than a minute old.
    pub async fn touch(&self, credential: Credential) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.callers.touch(credential, now, now.minus(MINUTE)).await
    }
}

/// Somebody is known; whether they may is another question.
#[derive(Debug)]
pub struct Knock<A> {
    /// Whose credential it is, and so whose rate limit is charged.
    pub account: AccountId,
    tier: Tier,
    overrides: Overrides,
    at: Timestamp,
    entered: Result<Access, Denied>,
    pub answer: Result<Permit<A>, Denied>,
}

/// What a call takes, and out of which bucket.
#[derive(Debug, Clone, Copy)]
pub struct Fee {
    pub key: LimitKey,
    pub bucket: &'static str,
    pub quota: Quota,
}

impl Fee {
    fn of(account: AccountId, bucket: Bucket, quota: Quota) -> Self {
        Self { key: LimitKey::Account(account, bucket), bucket: bucket.as_str(), quota }
    }
}

fn permit<A: Operation>(entered: Result<Access, Denied>) -> Result<Permit<A>, Denied> {
    let access = entered?;
    decide(&access, A::ACTION)?;
    Ok(Permit::new(access))
}

impl<A: Operation> Knock<A> {
    /// What the caller is charged: in the active organisation it is the organisation that has a quota, by its plan.
    pub fn fee(&self) -> Fee {
        let gates = A::ACTION.gates();
        if let Ok(Access { plan: Some(plan), workspace, .. }) = self.entered {
            return Fee { key: LimitKey::Organisation(workspace), bucket: gates.bucket(), quota: plan.requests() };
        }
        let bucket = gates.charge.bucket;
        Fee::of(self.account, bucket, effective_quota(self.tier, &self.overrides, bucket, self.at).quota)
    }

    /// What the owner is charged too: for somebody who may, on another's workspace. Nobody else empties an owner's bucket.
    pub fn owners_fee(&self) -> Option<Fee> {
        let Charge { bucket, owner_too } = A::ACTION.gates().charge;
        let access = self.answer.as_ref().ok()?.access();
        let owner = Some(access.workspace).filter(|owner| owner_too && *owner != self.account)?;
        let quota = effective_quota(access.workspace_tier, &access.workspace_overrides, bucket, self.at).quota;
        Some(Fee::of(owner, bucket, quota))
    }

    /// May the same caller do that, in the same workspace?
    pub fn also<B: Operation>(&self) -> Result<Permit<B>, Denied> {
        const { assert!(A::ACTION.gates().workspace.is(B::ACTION.gates().workspace), "each would enter another workspace") };
        permit::<B>(self.entered)
    }
}

fn unknown(presented: &Presented) -> NotAuthenticated {
    match presented {
        Presented::Key(_) => NotAuthenticated::InvalidKey,
        Presented::Session { .. } => NotAuthenticated::SessionOver,
    }
}

/// A credential that authenticates somebody.
struct Shown {
    credential: Credential,
    scopes: ScopeSet,
    hands: AccountId,
    hands_revision: Revision,
    standing: Standing,
    proof: Proof,
}

/// Where somebody acts who has not said where.
struct Active {
    /// `None` is one's own.
    owner: Option<AccountId>,
    plan: Plan,
}

impl SeenInOrganisation {
    /// The chosen organisation while it can be entered, otherwise one's own: a membership that has ended or an owner who is
    /// suspended locks nobody out of this dialect.
    fn active(&self) -> Active {
        let open = self.caller.workspace.filter(|seen| seen.status == AccountStatus::Active);
        match open.zip(self.chosen_plan) {
            Some((seen, plan)) => Active { owner: Some(seen.owner), plan },
            None => Active { owner: None, plan: self.own_plan },
        }
    }
}

impl SeenCaller {
    /// The caller as they were when they deleted their account: whoever lost the answer asks again, with the session that the
    /// deletion has ended. For that call alone, which then finds nothing left to do; the revision keeps it from doing more.
    fn before_its_deletion(mut self) -> Self {
        if let (AccountStatus::Deleted, SeenCredential::Session { ended_at, .. }) = (self.status, &mut self.credential)
        {
            *ended_at = None;
            self.status = AccountStatus::Active;
        }
        self
    }

    /// Goes from the caller's own account into the wanted workspace.
    fn enter(&self, at_home: Access, wanted: Option<AccountId>) -> Result<Access, Denied> {
        let suspended = Some(AccountStatus::Suspended);
        if self.status == AccountStatus::Suspended || self.minter_status() == suspended {
            return Err(Denied::AccountSuspended);
        }
        match wanted.filter(|owner| *owner != self.account) {
            Some(owner) => self.go_to(owner, at_home),
            None => Ok(at_home),
        }
    }

    fn go_to(&self, owner: AccountId, at_home: Access) -> Result<Access, Denied> {
        // What somebody lent to a member does not carry further than the lender's own account.
        if at_home.in_members_hands() {
            return Err(Denied::KeyStaysHome);
        }
        let seen = self.workspace.filter(|seen| seen.owner == owner).ok_or(Denied::NoMembership)?;
        match seen.status {
            AccountStatus::Active => {}
            AccountStatus::Suspended => return Err(Denied::WorkspaceSuspended),
            AccountStatus::Deleted => return Err(Denied::NoMembership),
        }
        Ok(Access {
            workspace: owner,
            workspace_revision: seen.revision,
            workspace_tier: seen.tier,
            workspace_overrides: seen.overrides,
            standing: seen.role.into(),
            ..at_home
        })
    }

    fn minter_status(&self) -> Option<AccountStatus> {
        match &self.credential {
            SeenCredential::Key { minter, .. } => minter.map(|minter| minter.status),
            SeenCredential::Session { .. } => None,
        }
    }

    /// Who it is, on their own account.
    fn authenticate(&self, presented: &Presented, now: Timestamp) -> Result<Access, NotAuthenticated> {
        // A key that was revoked, by the deletion or before, says so as ever.
        let shown = self.credential(presented, now)?;
        if self.status == AccountStatus::Deleted {
            return Err(unknown(presented));
        }
        Ok(Access {
            account: self.account,
            account_revision: self.revision,
            tier: self.tier,
            overrides: self.overrides,
            credential: shown.credential,
            scopes: shown.scopes,
            hands: shown.hands,
            hands_revision: shown.hands_revision,
            workspace: self.account,
            workspace_revision: self.revision,
            workspace_tier: self.tier,
            workspace_overrides: self.overrides,
            standing: shown.standing,
            plan: None,
            proof: shown.proof,
            to_be_touched: self.last_used_at.is_none_or(|at| now.since(at) >= MINUTE),
        })
    }

    fn credential(&self, presented: &Presented, now: Timestamp) -> Result<Shown, NotAuthenticated> {
        match (&self.credential, presented) {
            (SeenCredential::Key { id, scopes, expires_at, revoked_at, minted_by, minter }, Presented::Key(_)) => {
                if revoked_at.is_some() {
                    return Err(NotAuthenticated::RevokedKey);
                }
                if expires_at.is_some_and(|at| at <= now) {
                    return Err(NotAuthenticated::ExpiredKey);
                }
                let (standing, hands_revision) = match minter {
                    _ if *minted_by == self.account => (Standing::Owner, self.revision),
                    Some(minter) => (Standing::from(minter.role), minter.revision),
                    None => return Err(NotAuthenticated::RevokedKey),
                };
                Ok(Shown {
                    credential: Credential::Key(*id),
                    scopes: *scopes,
                    hands: *minted_by,
                    hands_revision,
                    standing,
                    proof: Proof::Never,
                })
            }
            (
                SeenCredential::Session { id, generation, expires_at, ended_at, proven_at },
                Presented::Session { generation: shown, .. },
            ) => {
                if ended_at.is_some() || *expires_at <= now || generation != shown {
                    return Err(NotAuthenticated::SessionOver);
                }
                Ok(Shown {
                    credential: Credential::Session(*id),
                    scopes: session_scopes(self.staff),
                    hands: self.account,
                    hands_revision: self.revision,
                    standing: Standing::Owner,
                    proof: Proof::given(*proven_at, now),
                })
            }
            (_, presented) => Err(unknown(presented)),
        }
    }
}

/// A sign-in carries `account_owner`; that of staff the staff scope too.
fn session_scopes(staff: bool) -> ScopeSet {
    let customer = ScopeSet::of(&[Scope::AccountOwner]);
    if staff { customer.with(Scope::InternalAdmin) } else { customer }
}

#[cfg(test)]
mod tests;
