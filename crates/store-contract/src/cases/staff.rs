//! What staff do: `StaffStore`.

use driftstack_domain::{
    access::{AdmitError, Presented},
    account::AccountStatus,
    api_key::ApiKeyStore as _,
    change::MaybeStale as _,
    id::{AccountId, TeamId},
    limit::Bucket,
    membership::{InviteStore as _, MembershipStore as _},
    page::{Limit, PageRequest},
    policy::{
        Denied, Role, Standing,
        action::{MintKey, ReadAccount, SetTier},
    },
    staff::{EmailStart, OverrideOrder, Remark, SeenAccount, StaffStore as _, TransferError},
    team::TeamStore as _,
    testing::people,
    tier::{Overrides, QuotaSource, Tier, effective_quota},
    time::HOUR,
};

use crate::{
    backend::Backend,
    forge,
    world::{Person, World},
};

pub(super) fn order(capacity: u32) -> OverrideOrder {
    OverrideOrder {
        bucket: Bucket::Global,
        capacity: capacity.try_into().unwrap(),
        refill_per_second: 0.3.try_into().unwrap(),
        life: 3600.try_into().unwrap(),
        reason: None,
    }
}

fn note() -> Remark {
    "called twice".parse().unwrap()
}

async fn seen<B: Backend>(world: &World<B>, who: &Person) -> SeenAccount {
    world.store.account(who.id).await.unwrap().unwrap()
}

pub async fn accounts_are_listed_newest_first_but_for_deleted_ones<B: Backend>(backend: B) {
    let world = World::new(backend);
    let mut people = Vec::new();
    for n in 0..5 {
        people.push(world.person(&format!("n{n}")).await.id);
    }
    world.operator().set_staff(&people::email("n3@example.com"), true).await.unwrap();
    world.backend.set_status(people[2], AccountStatus::Deleted).await;
    world.backend.set_status(people[1], AccountStatus::Suspended).await;
    let (mut found, mut page) = (Vec::new(), PageRequest { limit: Limit::new(2).unwrap(), after: None });
    loop {
        let answer = world.store.accounts(page).await.unwrap();
        found.extend(answer.rows);
        page.after = answer.next;
        if page.after.is_none() {
            break;
        }
    }
    let ids: Vec<_> = found.iter().map(|row| row.account.id).collect();
    assert_eq!(ids, [people[4], people[3], people[1], people[0]]);
    assert_eq!(found.iter().map(|row| row.staff).collect::<Vec<_>>(), [false, true, false, false]);
    assert_eq!(found[2].account.status, AccountStatus::Suspended);
}

pub async fn accounts_are_found_by_the_beginning_of_their_address<B: Backend>(backend: B) {
    let world = World::new(backend);
    let mut ids = Vec::new();
    for name in ["adam", "ada_b", "ada", "ad%", "bo", "ada-z"] {
        ids.push((world.person(name).await.id, name));
    }
    let walk = async |start: &str, limit| {
        let start: EmailStart = start.parse().unwrap();
        let (mut found, mut page) = (Vec::new(), PageRequest { limit: Limit::new(limit).unwrap(), after: None });
        loop {
            let answer = world.store.accounts_by_email(&start, page).await.unwrap();
            found.extend(
                answer
                    .rows
                    .iter()
                    .map(|row| ids.iter().find(|(id, _)| *id == row.account.id).map(|(_, name)| *name).unwrap()),
            );
            page.after = answer.next;
            if page.after.is_none() {
                return found;
            }
        }
    };
    // By bytes, whatever the language of the database: `%` before `-` before `@` before `_` before letters.
    for limit in [1, 2, 50] {
        assert_eq!(walk("AD", limit).await, ["ad%", "ada-z", "ada", "ada_b", "adam"]);
    }
    assert_eq!(walk("ad%", 50).await, ["ad%"]);
    assert_eq!(walk("ada@example.com", 50).await, ["ada"]);
    assert!(walk("example.com", 50).await.is_empty());
    let ada = ids.iter().find(|(_, name)| *name == "ada").unwrap().0;
    world.backend.set_status(ada, AccountStatus::Deleted).await;
    assert!(walk("ada@", 50).await.is_empty());
}

pub async fn an_override_is_seen_with_the_caller_until_it_is_cleared<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive, bo) = (world.staffer("sam").await, world.person("olive").await, world.person("bo").await);
    let key = world.mint(&olive, &olive, "ci").await;
    let quota = async |by: &Presented| {
        let permit = world.doorkeeper().admit::<ReadAccount>(by, None).await.unwrap();
        effective_quota(permit.access().tier, &permit.access().overrides, Bucket::Global, world.now())
    };
    let set = async |order| world.staff().set_override(&world.permit(&sam).await, olive.id, &order).await.unwrap();
    let answered = set(order(7)).await;
    for by in [&olive.presented, &Presented::Key(key.secret.digest())] {
        let seen = quota(by).await;
        assert_eq!((seen.quota.capacity(), seen.refill_per_second, seen), (7, 0.3, answered));
    }
    let knock = world.doorkeeper().knock::<ReadAccount>(&olive.presented, None).await.unwrap();
    assert_eq!(knock.fee().quota.capacity(), 7);
    assert_eq!(quota(&bo.presented).await.source, QuotaSource::TierDefault);

    set(OverrideOrder { bucket: Bucket::SessionsCreate, ..order(9) }).await;
    set(order(8)).await;
    assert_eq!(quota(&olive.presented).await.quota.capacity(), 8);
    assert_eq!(
        seen(&world, &olive).await.overrides.in_force(Bucket::SessionsCreate, world.now()).map(|it| it.capacity.into()),
        Some(9)
    );
    for _ in 0..2 {
        world.staff().clear_override(&world.permit(&sam).await, olive.id, Bucket::Global).await.unwrap();
        assert_eq!(quota(&olive.presented).await.source, QuotaSource::TierDefault);
    }
    world.clock.advance(HOUR);
    set(order(10)).await;
    assert_eq!(
        seen(&world, &olive).await.overrides,
        Overrides::NONE
            .with(Bucket::Global, seen(&world, &olive).await.overrides.in_force(Bucket::Global, world.now()))
    );
    world.clock.advance(HOUR);
    assert_eq!(quota(&olive.presented).await.source, QuotaSource::TierDefault);
    let (set, cleared) = ("rate_limit_override.set", "rate_limit_override.cleared");
    assert_eq!(world.actions(olive.id).await[3..], [set, set, set, cleared, set]);
}

async fn door<B: Backend>(world: &World<B>, by: &Presented, wanted: Option<AccountId>) -> Result<(), AdmitError> {
    world.doorkeeper().admit::<driftstack_domain::policy::action::ListKeys>(by, wanted).await.map(drop)
}

pub async fn a_suspension_shuts_the_door_and_its_end_opens_it<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive, ada) = (world.staffer("sam").await, world.person("olive").await, world.person("ada").await);
    world.join(&olive, &ada, Role::Admin).await;
    let key = Presented::Key(world.mint(&olive, &olive, "ci").await.secret.digest());
    let refused = |outcome: Result<(), AdmitError>, why| {
        assert!(matches!(&outcome, Err(AdmitError::Denied(denied)) if *denied == why), "{outcome:?}");
    };
    for _ in 0..2 {
        world.staff().suspend(&world.permit(&sam).await, olive.id, Some(&note())).await.unwrap();
        refused(door(&world, &olive.presented, None).await, Denied::AccountSuspended);
        refused(door(&world, &ada.presented, Some(olive.id)).await, Denied::WorkspaceSuspended);
    }
    for _ in 0..2 {
        world.staff().unsuspend(&world.permit(&sam).await, olive.id, None).await.unwrap();
        door(&world, &olive.presented, None).await.unwrap();
        door(&world, &ada.presented, Some(olive.id)).await.unwrap();
    }
    assert!(world.doorkeeper().admit::<driftstack_domain::policy::action::WhoAmI>(&key, None).await.is_ok());
    assert_eq!(world.actions(olive.id).await[5..], ["account.suspended", "account.unsuspended"]);
    assert_eq!(world.told(olive.id).await[5].payload.as_ref().unwrap()["reason"], "called twice");
}

pub async fn a_status_that_has_changed_is_not_changed_again<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive) = (world.staffer("sam").await, world.person("olive").await);
    let record = forge::suspension(&world.desk, &world.permit(&sam).await, seen(&world, &olive).await).await;
    world.backend.set_status(olive.id, AccountStatus::Deleted).await;
    let before = world.backend.rows().await;
    assert!(world.store.commit_status(&record).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
}

pub async fn what_staff_do_stands_on_both_logs<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive) = (world.staffer("sam").await, world.person("olive").await);
    let written = world.staff().write_note(&world.permit(&sam).await, olive.id, &note()).await.unwrap();
    let on_olive = world.log(olive.id).await.pop().unwrap();
    assert_eq!((on_olive.id, on_olive.action.as_str()), (written.id, "admin.support_note"));
    assert_eq!((on_olive.actor_type.as_str(), on_olive.actor_account), ("staff", None));
    let told = world.told(olive.id).await.pop().unwrap().payload.unwrap();
    assert_eq!(told["note"], "called twice");
    let on_sam = world.log(sam.id).await.pop().unwrap();
    assert_eq!((on_sam.action.as_str(), on_sam.target), ("admin.acted", Some(olive.id.to_string())));
    assert_eq!(
        (&on_sam.payload["action"], &on_sam.payload["entry_id"]),
        (&"admin.support_note".into(), &written.id.to_string().into())
    );
    assert_eq!(on_sam.actor_credential, on_olive.actor_credential);
    // On their own account there is one log.
    let entries = world.log(sam.id).await.len();
    world.staff().set_tier(&world.permit(&sam).await, sam.id, Tier::Enterprise, None).await.unwrap();
    assert_eq!(world.log(sam.id).await.len(), entries + 1);
}

pub async fn somebody_who_is_no_longer_staff_writes_nothing<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive) = (world.staffer("sam").await, world.person("olive").await);
    let permit = world.permit::<SetTier>(&sam).await;
    world.operator().set_staff(&sam.email, false).await.unwrap();
    let before = world.backend.rows().await;
    let late = world.staff().set_tier(&permit, olive.id, Tier::Enterprise, None).await;
    assert!(late.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    let set = async |permit| world.staff().set_tier(&permit, olive.id, Tier::Enterprise, None).await;
    let denied = world.call::<SetTier, _, _>(sam.presented, None, set).await;
    assert!(matches!(denied, Err(crate::world::Attempt::Door(_))), "{denied:?}");
}

pub async fn a_team_moves_with_its_members_invites_and_keys<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive, ada) = (world.staffer("sam").await, world.person("olive").await, world.person("ada").await);
    let (bo, eve) = (world.person("bo").await, world.person("eve").await);
    let former = world.join(&olive, &ada, Role::Member).await;
    world.join(&olive, &bo, Role::Admin).await;
    let to_eve = world.invite(&olive, &eve, Role::Member).await;
    let of_ada = world.invite(&ada, &eve, Role::Member).await;
    let (olives, bos) = (world.mint(&olive, &olive, "ci").await, world.mint(&bo, &olive, "bo's").await);
    let adas = world.mint(&ada, &ada, "own").await;
    let (team, other) = (seen(&world, &olive).await.team, seen(&world, &ada).await.team);

    world.staff().transfer(&world.permit(&sam).await, olive.id, ada.id).await.unwrap();

    let teams = async |who: &Person| world.store.team_of(who.id).await.unwrap().unwrap();
    assert_eq!((teams(&ada).await.id, teams(&ada).await.name), (team.id, team.name));
    assert_eq!((teams(&olive).await.id, teams(&olive).await.name), (other.id, other.name));
    let members = world.store.members(ada.id, PageRequest::default()).await.unwrap().rows;
    let roles: Vec<_> = members.iter().map(|it| (it.member, it.role)).collect();
    assert_eq!(roles, [(olive.id, Role::Admin), (bo.id, Role::Admin)]);
    assert!(world.store.members(olive.id, PageRequest::default()).await.unwrap().rows.is_empty());
    assert!(world.store.seen_membership(former.id).await.unwrap().unwrap().removed_at.is_some());

    // Each key acts on the team in the hands that it was in.
    let keys = world.store.keys(ada.id, PageRequest::default()).await.unwrap().rows;
    assert_eq!(keys.len(), 3);
    for (minted, hands, standing) in
        [(&olives, olive.id, Standing::Admin), (&bos, bo.id, Standing::Admin), (&adas, ada.id, Standing::Owner)]
    {
        let shown = Presented::Key(minted.secret.digest());
        let permit = world.doorkeeper().admit::<ReadAccount>(&shown, None).await.unwrap();
        let access = permit.access();
        assert_eq!((access.account, access.hands, access.standing), (ada.id, hands, standing));
    }
    assert!(world.doorkeeper().admit::<MintKey>(&bo.presented, Some(ada.id)).await.is_ok());
    assert!(door(&world, &bo.presented, Some(olive.id)).await.is_err());

    // An open invite leads to the same team, and those to the team that is no more lead nowhere.
    let accept = async |token| world.invites().accept(&world.permit(&eve).await, token).await;
    assert_eq!(accept(&to_eve).await.unwrap().owner, ada.id);
    assert!(accept(&of_ada).await.is_err());
    assert!(world.store.pending_invites(ada.id, world.now(), PageRequest::default()).await.unwrap().rows.is_empty());

    let last = async |who: &Person| world.log(who.id).await.pop().unwrap();
    let (given, taken) = (last(&olive).await, world.log(ada.id).await.into_iter().rev().nth(1).unwrap());
    assert_eq!(
        (given.action.as_str(), &given.payload["to_account_id"]),
        ("team.ownership_transferred", &ada.id.to_string().into())
    );
    assert_eq!(
        (taken.action.as_str(), &taken.payload["from_account_id"]),
        ("team.ownership_transferred", &olive.id.to_string().into())
    );
    assert_eq!(last(&sam).await.action, "admin.acted");
}

pub async fn a_team_moves_only_to_a_member_without_a_team<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive, ada) = (world.staffer("sam").await, world.person("olive").await, world.person("ada").await);
    let bo = world.person("bo").await;
    let before = world.backend.rows().await;
    let transfer = async |to| world.staff().transfer(&world.permit(&sam).await, olive.id, to).await.unwrap_err();
    assert!(matches!(transfer(olive.id).await, TransferError::ToItself));
    assert!(matches!(transfer(ada.id).await, TransferError::NotAMember));
    assert!(matches!(transfer(AccountId::new(people::uuid(0xDEAD))).await, TransferError::NotAMember));
    assert_eq!(world.backend.rows().await, before);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let of_ada = world.join(&ada, &bo, Role::Member).await;
    assert!(matches!(transfer(ada.id).await, TransferError::HasATeam));
    world.memberships().remove(&world.permit(&ada).await, of_ada.id).await.unwrap();
    world.backend.set_status(ada.id, AccountStatus::Suspended).await;
    assert!(matches!(transfer(ada.id).await, TransferError::NotAMember));
    world.backend.set_status(ada.id, AccountStatus::Active).await;
    world.memberships().remove(&world.permit(&olive).await, membership.id).await.unwrap();
    assert!(matches!(transfer(ada.id).await, TransferError::NotAMember));
}

pub async fn a_transfer_that_fails_half_way_has_moved_nothing<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive, ada) = (world.staffer("sam").await, world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let minted = world.mint(&olive, &olive, "ci").await;
    let mut tie = world.store.tie(olive.id, ada.id).await.unwrap();
    assert_eq!((tie.membership, tie.has_members), (Some(membership.id), false));
    let (giver, taker) = (seen(&world, &olive).await, seen(&world, &ada).await);
    let before = world.backend.rows().await;
    // The last thing that is looked at is whose the teams are, and the first is the membership.
    let mut elsewhere = giver.clone();
    elsewhere.team.id = TeamId::new(people::uuid(0xDEAD));
    let permit = world.permit(&sam).await;
    let late = forge::transfer(&world.desk, &permit, elsewhere, taker.clone(), tie).await;
    tie.membership = Some(driftstack_domain::id::MembershipId::new(people::uuid(0xDEAD)));
    let early = forge::transfer(&world.desk, &permit, giver.clone(), taker.clone(), tie).await;
    for record in [late, early] {
        assert!(world.store.commit_transfer(&record).await.unwrap_err().is_stale());
        assert_eq!(world.backend.rows().await, before);
        assert_eq!((seen(&world, &olive).await, seen(&world, &ada).await), (giver.clone(), taker.clone()));
        assert!(world.store.seen_membership(membership.id).await.unwrap().unwrap().removed_at.is_none());
        assert!(world.store.seen_key(olive.id, minted.key.id).await.unwrap().is_some());
    }
}
