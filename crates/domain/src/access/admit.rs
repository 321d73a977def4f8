//! From a credential to a permit.

use std::sync::Arc;

use super::caller::{Access, Credential, Permit, Presented, SeenCaller, SeenCredential};
use super::port::CallerStore;
use crate::{
    account::AccountStatus,
    change::{MaybeStale, StoreError},
    id::AccountId,
    policy::{Denied, Operation, Scope, ScopeSet, Standing, decide},
    tier::Tier,
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
        let wanted = wanted.filter(|_| A::ACTION.gates().honours_workspace());
        let seen = self.callers.seen_caller(presented, wanted).await?.ok_or_else(|| unknown(presented))?;
        let at_home = seen.authenticate(presented, self.clock.now())?;
        let answer = seen.enter(at_home, wanted).and_then(|access| {
            decide(&access, A::ACTION)?;
            Ok(Permit::new(access))
        });
        Ok(Knock { account: seen.account, tier: seen.tier, answer })
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
        self.callers.touch(credential, self.clock.now()).await
    }
}

/// Somebody is known; whether they may is another question.
#[derive(Debug)]
pub struct Knock<A> {
    /// Whose credential it is, and so whose rate limit is charged.
    pub account: AccountId,
    pub tier: Tier,
    pub answer: Result<Permit<A>, Denied>,
}

fn unknown(presented: &Presented) -> NotAuthenticated {
    match presented {
        Presented::Key(_) => NotAuthenticated::InvalidKey,
        Presented::Session { .. } => NotAuthenticated::SessionOver,
    }
}

impl SeenCaller {
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
        Ok(Access { workspace: owner, workspace_revision: seen.revision, standing: seen.role.into(), ..at_home })
    }

    fn minter_status(&self) -> Option<AccountStatus> {
        match &self.credential {
            SeenCredential::Key { minter, .. } => minter.map(|minter| minter.status),
            SeenCredential::Session { .. } => None,
        }
    }

    /// Who it is, on their own account.
    fn authenticate(&self, presented: &Presented, now: Timestamp) -> Result<Access, NotAuthenticated> {
        if self.status == AccountStatus::Deleted {
            return Err(unknown(presented));
        }
        let (credential, scopes, hands, standing) = self.credential(presented, now)?;
        Ok(Access {
            account: self.account,
            account_revision: self.revision,
            tier: self.tier,
            credential,
            scopes,
            hands,
            workspace: self.account,
            workspace_revision: self.revision,
            standing,
            to_be_touched: self.last_used_at.is_none_or(|at| now.since(at) >= MINUTE),
        })
    }

    fn credential(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<(Credential, ScopeSet, AccountId, Standing), NotAuthenticated> {
        match (&self.credential, presented) {
            (SeenCredential::Key { id, scopes, expires_at, revoked_at, minted_by, minter }, Presented::Key(_)) => {
                if revoked_at.is_some() {
                    return Err(NotAuthenticated::RevokedKey);
                }
                if expires_at.is_some_and(|at| at <= now) {
                    return Err(NotAuthenticated::ExpiredKey);
                }
                let standing = match minter {
                    _ if *minted_by == self.account => Standing::Owner,
                    Some(minter) => Standing::from(minter.role),
                    None => return Err(NotAuthenticated::RevokedKey),
                };
                Ok((Credential::Key(*id), *scopes, *minted_by, standing))
            }
            (
                SeenCredential::Session { id, generation, expires_at, ended_at },
                Presented::Session { generation: shown, .. },
            ) => {
                if ended_at.is_some() || *expires_at <= now || generation != shown {
                    return Err(NotAuthenticated::SessionOver);
                }
                Ok((Credential::Session(*id), session_scopes(self.staff), self.account, Standing::Owner))
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
mod tests {
    use super::*;
    use crate::{
        access::port::MockCallerStore,
        access::{SeenMinter, SeenWorkspace},
        change::Revision,
        id::ApiKeyId,
        policy::{
            Role,
            action::{EditAccount, ListKeys, MintKey, ReadAccount, WhoAmI},
        },
        secret::Digest,
        testing::{FixedClock, people},
        tier::Tier,
    };
    use rstest::rstest;

    const KEY: Presented = Presented::Key(Digest::from_bytes([7; 32]));

    fn key(minted_by: AccountId, minter: Option<SeenMinter>) -> SeenCredential {
        SeenCredential::Key {
            id: ApiKeyId::new(people::uuid(9)),
            scopes: ScopeSet::of(&[Scope::AccountOwner]),
            expires_at: None,
            revoked_at: None,
            minted_by,
            minter,
        }
    }

    fn session(generation: i32, expires_at: Timestamp, ended_at: Option<Timestamp>) -> SeenCredential {
        SeenCredential::Session { id: people::SESSION, generation, expires_at, ended_at }
    }

    fn seen(credential: SeenCredential) -> SeenCaller {
        SeenCaller {
            account: people::OLIVE,
            status: AccountStatus::Active,
            tier: Tier::Free,
            staff: false,
            revision: Revision(4),
            credential,
            last_used_at: None,
            workspace: None,
        }
    }

    fn on(owner: AccountId, role: Role, status: AccountStatus) -> SeenWorkspace {
        SeenWorkspace { owner, status, role, revision: Revision(11) }
    }

    async fn admit<A: Operation>(
        presented: Presented,
        wanted: Option<AccountId>,
        seen: Option<SeenCaller>,
    ) -> Result<Permit<A>, AdmitError> {
        let mut callers = MockCallerStore::new();
        callers.expect_seen_caller().returning(move |_, _| Ok(seen.clone()));
        Doorkeeper::new(Arc::new(callers), Arc::new(FixedClock(people::NOW))).admit(&presented, wanted).await
    }

    fn denied<A>(result: Result<Permit<A>, AdmitError>) -> Denied {
        match result {
            Err(AdmitError::Denied(denied)) => denied,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    fn stranger<A>(result: Result<Permit<A>, AdmitError>) -> NotAuthenticated {
        match result {
            Err(AdmitError::NotAuthenticated(why)) => why,
            other => panic!("expected a stranger, got {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_key_that_nobody_has_is_invalid() {
        assert_eq!(stranger(admit::<WhoAmI>(KEY, None, None).await), NotAuthenticated::InvalidKey);
    }

    #[tokio::test]
    async fn a_revoked_key_says_so_even_when_it_has_expired_too() {
        let mut caller = seen(key(people::OLIVE, None));
        if let SeenCredential::Key { revoked_at, expires_at, .. } = &mut caller.credential {
            *revoked_at = Some(people::NOW);
            *expires_at = Some(people::NOW);
        }
        assert_eq!(stranger(admit::<WhoAmI>(KEY, None, Some(caller)).await), NotAuthenticated::RevokedKey);
    }

    #[tokio::test]
    async fn a_key_is_over_at_the_moment_of_its_expiry() {
        let mut caller = seen(key(people::OLIVE, None));
        if let SeenCredential::Key { expires_at, .. } = &mut caller.credential {
            *expires_at = Some(people::NOW);
        }
        assert_eq!(stranger(admit::<WhoAmI>(KEY, None, Some(caller)).await), NotAuthenticated::ExpiredKey);
    }

    #[rstest]
    #[case::refreshed_away(2, people::LATER, None)]
    #[case::expired(3, people::NOW, None)]
    #[case::ended(3, people::LATER, Some(people::NOW))]
    #[tokio::test]
    async fn a_session_that_is_over_authenticates_nobody(
        #[case] shown: i32,
        #[case] expires_at: Timestamp,
        #[case] ended_at: Option<Timestamp>,
    ) {
        let presented = Presented::Session { id: people::SESSION, generation: shown };
        let caller = seen(session(3, expires_at, ended_at));
        assert_eq!(stranger(admit::<WhoAmI>(presented, None, Some(caller)).await), NotAuthenticated::SessionOver);
    }

    #[tokio::test]
    async fn only_the_sessions_of_staff_carry_the_staff_scope() {
        for staff in [false, true] {
            let caller = SeenCaller { staff, ..seen(session(3, people::LATER, None)) };
            let presented = Presented::Session { id: people::SESSION, generation: 3 };
            let permit = admit::<WhoAmI>(presented, None, Some(caller)).await.unwrap();
            assert_eq!(permit.access().scopes.contains(Scope::InternalAdmin), staff);
        }
    }

    #[rstest]
    #[case::suspended(AccountStatus::Suspended)]
    #[tokio::test]
    async fn a_suspended_account_is_refused(#[case] status: AccountStatus) {
        let caller = SeenCaller { status, ..seen(key(people::OLIVE, None)) };
        assert_eq!(denied(admit::<WhoAmI>(KEY, None, Some(caller)).await), Denied::AccountSuspended);
    }

    #[tokio::test]
    async fn a_deleted_account_is_a_stranger() {
        let caller = SeenCaller { status: AccountStatus::Deleted, ..seen(key(people::OLIVE, None)) };
        assert_eq!(stranger(admit::<WhoAmI>(KEY, None, Some(caller)).await), NotAuthenticated::InvalidKey);
    }

    #[tokio::test]
    async fn a_members_key_has_the_role_that_its_minter_has_now() {
        let minter = SeenMinter { role: Role::Member, status: AccountStatus::Active };
        let caller = seen(key(people::ADA, Some(minter)));
        assert_eq!(
            denied(admit::<MintKey>(KEY, None, Some(caller.clone())).await),
            Denied::Standing { has: Standing::Member, needs: Standing::Admin }
        );
        let permit = admit::<ListKeys>(KEY, None, Some(caller)).await.unwrap();
        assert_eq!(permit.access().hands, people::ADA);
        assert_eq!(permit.workspace(), people::OLIVE);
    }

    #[tokio::test]
    async fn a_members_key_never_passes_an_owners_gate() {
        let minter = SeenMinter { role: Role::Admin, status: AccountStatus::Active };
        let caller = seen(key(people::ADA, Some(minter)));
        assert_eq!(denied(admit::<EditAccount>(KEY, None, Some(caller)).await), Denied::KeyInMembersHands);
    }

    #[tokio::test]
    async fn a_members_key_stays_on_the_account_it_was_minted_on() {
        let minter = SeenMinter { role: Role::Admin, status: AccountStatus::Active };
        let caller = SeenCaller {
            workspace: Some(on(people::BO, Role::Admin, AccountStatus::Active)),
            ..seen(key(people::ADA, Some(minter)))
        };
        assert_eq!(denied(admit::<ListKeys>(KEY, Some(people::BO), Some(caller)).await), Denied::KeyStaysHome);
    }

    #[tokio::test]
    async fn the_key_of_a_suspended_member_is_refused() {
        let minter = SeenMinter { role: Role::Admin, status: AccountStatus::Suspended };
        let caller = seen(key(people::ADA, Some(minter)));
        assert_eq!(denied(admit::<WhoAmI>(KEY, None, Some(caller)).await), Denied::AccountSuspended);
    }

    #[tokio::test]
    async fn a_key_of_somebody_who_left_is_revoked() {
        assert_eq!(
            stranger(admit::<WhoAmI>(KEY, None, Some(seen(key(people::ADA, None)))).await),
            NotAuthenticated::RevokedKey
        );
    }

    #[tokio::test]
    async fn the_wanted_workspace_is_entered_with_the_role_there() {
        let caller = SeenCaller {
            workspace: Some(on(people::BO, Role::Admin, AccountStatus::Active)),
            ..seen(key(people::OLIVE, None))
        };
        let permit = admit::<MintKey>(KEY, Some(people::BO), Some(caller)).await.unwrap();
        assert_eq!((permit.workspace(), permit.access().standing), (people::BO, Standing::Admin));
        assert_eq!(permit.access().workspace_revision, Revision(11));
    }

    #[rstest]
    #[case::no_membership(None, Denied::NoMembership)]
    #[case::suspended_owner(Some(on(people::BO, Role::Admin, AccountStatus::Suspended)), Denied::WorkspaceSuspended)]
    #[case::deleted_owner(Some(on(people::BO, Role::Admin, AccountStatus::Deleted)), Denied::NoMembership)]
    #[tokio::test]
    async fn a_workspace_may_be_closed(#[case] workspace: Option<SeenWorkspace>, #[case] why: Denied) {
        let caller = SeenCaller { workspace, ..seen(key(people::OLIVE, None)) };
        assert_eq!(denied(admit::<ListKeys>(KEY, Some(people::BO), Some(caller)).await), why);
    }

    #[tokio::test]
    async fn ones_own_id_is_always_a_workspace() {
        let permit = admit::<MintKey>(KEY, Some(people::OLIVE), Some(seen(key(people::OLIVE, None)))).await.unwrap();
        assert_eq!(permit.access().standing, Standing::Owner);
    }

    #[tokio::test]
    async fn an_operation_on_ones_own_account_ignores_the_wanted_workspace() {
        let permit = admit::<ReadAccount>(KEY, Some(people::BO), Some(seen(key(people::OLIVE, None)))).await.unwrap();
        assert_eq!(permit.workspace(), people::OLIVE);
    }

    #[rstest]
    #[case::never_used(None, true)]
    #[case::just_now(Some(people::NOW), false)]
    #[case::an_hour_ago(Some(people::EARLIER), true)]
    #[tokio::test]
    async fn a_use_is_noted_once_a_minute(#[case] last_used_at: Option<Timestamp>, #[case] noted: bool) {
        let caller = SeenCaller { last_used_at, ..seen(key(people::OLIVE, None)) };
        let permit = admit::<WhoAmI>(KEY, None, Some(caller)).await.unwrap();
        assert_eq!(permit.access().to_be_touched, noted);
    }
}
