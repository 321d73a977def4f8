use super::*;
use crate::{
    access::port::MockCallerStore,
    access::{SeenMinter, SeenWorkspace},
    change::Revision,
    id::ApiKeyId,
    policy::{
        Role,
        action::{DeleteAccount, EditAccount, EditMember, ListKeys, MintKey, ReadAccount, SwitchOrganisation, WhoAmI},
    },
    secret::Digest,
    testing::{FixedClock, people},
    tier::{Overrides, Tier},
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

fn adas(role: Role, status: AccountStatus) -> SeenMinter {
    SeenMinter { role, status, revision: Revision(6) }
}

fn session(generation: i32, expires_at: Timestamp, ended_at: Option<Timestamp>) -> SeenCredential {
    SeenCredential::Session { id: people::SESSION, generation, expires_at, ended_at, proven_at: None }
}

fn seen(credential: SeenCredential) -> SeenCaller {
    SeenCaller {
        account: people::OLIVE,
        status: AccountStatus::Active,
        tier: Tier::Free,
        overrides: Overrides::NONE,
        staff: false,
        revision: Revision(4),
        credential,
        last_used_at: None,
        workspace: None,
    }
}

fn on(owner: AccountId, role: Role, status: AccountStatus) -> SeenWorkspace {
    SeenWorkspace { owner, status, role, tier: Tier::ApiScale, overrides: Overrides::NONE, revision: Revision(11) }
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

/// As the deletion has left it.
fn deleted(credential: SeenCredential) -> SeenCaller {
    SeenCaller { status: AccountStatus::Deleted, ..seen(credential) }
}

#[tokio::test]
async fn whoever_lost_the_answer_to_their_deletion_may_ask_for_it_again_and_for_nothing_else() {
    let SeenCredential::Session { id, generation, expires_at, .. } = session(2, people::LATER, None) else { return };
    let (ended_at, proven_at) = (Some(people::NOW), Some(people::NOW));
    let ended = SeenCredential::Session { id, generation, expires_at, ended_at, proven_at };
    let presented = Presented::Session { id, generation };
    let again = admit::<DeleteAccount>(presented, None, Some(deleted(ended.clone()))).await;
    assert_eq!(again.unwrap().workspace(), people::OLIVE);
    let other = admit::<WhoAmI>(presented, None, Some(deleted(ended.clone()))).await;
    assert_eq!(stranger(other), NotAuthenticated::SessionOver);
    // Neither an older token, nor a session that has ended while the account goes on, nor a key.
    let older = Presented::Session { id, generation: 1 };
    let refused = admit::<DeleteAccount>(older, None, Some(deleted(ended.clone()))).await;
    assert_eq!(stranger(refused), NotAuthenticated::SessionOver);
    let refused = admit::<DeleteAccount>(presented, None, Some(seen(ended))).await;
    assert_eq!(stranger(refused), NotAuthenticated::SessionOver);
    let refused = admit::<DeleteAccount>(KEY, None, Some(deleted(key(people::OLIVE, None)))).await;
    assert_eq!(stranger(refused), NotAuthenticated::InvalidKey);
}

#[tokio::test]
async fn a_members_key_has_the_role_that_its_minter_has_now() {
    let minter = adas(Role::Member, AccountStatus::Active);
    let caller = seen(key(people::ADA, Some(minter)));
    assert_eq!(
        denied(admit::<MintKey>(KEY, None, Some(caller.clone())).await),
        Denied::Standing { has: Standing::Member, needs: Standing::Admin }
    );
    let permit = admit::<ListKeys>(KEY, None, Some(caller)).await.unwrap();
    assert_eq!(permit.access().hands, people::ADA);
    assert_eq!(permit.workspace(), people::OLIVE);
}

#[rstest]
#[case::a_members_key(KEY, key(people::ADA, Some(adas(Role::Admin, AccountStatus::Active))), people::ADA, Revision(6))]
#[case::an_owners_key(KEY, key(people::OLIVE, None), people::OLIVE, Revision(4))]
#[case::a_session(
    Presented::Session { id: people::SESSION, generation: 3 },
    session(3, people::LATER, None),
    people::OLIVE,
    Revision(4)
)]
#[tokio::test]
async fn a_caller_is_in_somebodys_hands_as_they_were_seen(
    #[case] presented: Presented,
    #[case] credential: SeenCredential,
    #[case] hands: AccountId,
    #[case] revision: Revision,
) {
    let permit = admit::<WhoAmI>(presented, None, Some(seen(credential))).await.unwrap();
    assert_eq!((permit.access().hands, permit.access().hands_revision), (hands, revision));
}

#[tokio::test]
async fn a_members_key_never_passes_an_owners_gate() {
    let minter = adas(Role::Admin, AccountStatus::Active);
    let caller = seen(key(people::ADA, Some(minter)));
    assert_eq!(denied(admit::<EditAccount>(KEY, None, Some(caller)).await), Denied::KeyInMembersHands);
}

#[tokio::test]
async fn a_members_key_stays_on_the_account_it_was_minted_on() {
    let minter = adas(Role::Admin, AccountStatus::Active);
    let caller = SeenCaller {
        workspace: Some(on(people::BO, Role::Admin, AccountStatus::Active)),
        ..seen(key(people::ADA, Some(minter)))
    };
    assert_eq!(denied(admit::<ListKeys>(KEY, Some(people::BO), Some(caller)).await), Denied::KeyStaysHome);
}

#[tokio::test]
async fn the_key_of_a_suspended_member_is_refused() {
    let minter = adas(Role::Admin, AccountStatus::Suspended);
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

fn in_organisation(workspace: Option<SeenWorkspace>) -> SeenInOrganisation {
    let caller = SeenCaller { workspace, ..seen(session(0, people::LATER, None)) };
    SeenInOrganisation { caller, own_plan: Plan::Free, chosen_plan: workspace.map(|_| Plan::Api) }
}

async fn knock_at(seen: SeenInOrganisation) -> Knock<EditMember> {
    let mut callers = MockCallerStore::new();
    callers.expect_seen_in_organisation().returning(move |_| Ok(Some(seen.clone())));
    let presented = Presented::Session { id: people::SESSION, generation: 0 };
    let keeper = Doorkeeper::new(Arc::new(callers), Arc::new(FixedClock(people::NOW)));
    keeper.knock(&presented, Some(people::BO)).await.unwrap()
}

#[rstest]
#[case::own(None, people::OLIVE, Plan::Free)]
#[case::chosen(Some(on(people::ADA, Role::Admin, AccountStatus::Active)), people::ADA, Plan::Api)]
#[case::suspended(Some(on(people::ADA, Role::Admin, AccountStatus::Suspended)), people::OLIVE, Plan::Free)]
#[case::deleted(Some(on(people::ADA, Role::Admin, AccountStatus::Deleted)), people::OLIVE, Plan::Free)]
#[tokio::test]
async fn one_acts_in_the_chosen_organisation_while_it_can_be_entered(
    #[case] workspace: Option<SeenWorkspace>,
    #[case] owner: AccountId,
    #[case] plan: Plan,
) {
    let knock = knock_at(in_organisation(workspace)).await;
    let fee = knock.fee();
    assert_eq!((fee.key, fee.quota), (LimitKey::Organisation(owner), plan.requests()));
    let permit = knock.answer.unwrap();
    assert_eq!((permit.workspace(), permit.access().plan), (owner, Some(plan)));
}

#[tokio::test]
async fn a_viewer_may_still_go_elsewhere() {
    let knock = knock_at(in_organisation(Some(on(people::ADA, Role::Member, AccountStatus::Active)))).await;
    assert!(matches!(knock.answer, Err(Denied::Standing { .. })));
    assert!(knock.also::<SwitchOrganisation>().is_ok());
}
