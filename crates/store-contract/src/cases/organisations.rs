//! `OrganisationStore`, and callers in their active organisation.

use std::collections::HashSet;

use driftstack_domain::{
    access::{CallerStore as _, Presented},
    account::AccountStatus,
    auth::SignInStore as _,
    change::{CommitError, Revision},
    id::AccountId,
    mail::{OptionalMail, PreferenceStore as _},
    notify::WishStore as _,
    organisation::{Notice, NoticeChoice, OrganisationNumber, OrganisationStore as _, OwnerShown, SeenMember},
    policy::{
        Role, Standing,
        action::{ReadMember, SwitchOrganisation},
    },
    secret::Digest,
    team::TeamStore as _,
    testing::people,
    tier::Plan,
};

use crate::{
    backend::Backend,
    forge,
    world::{Person, World, password, race},
};

async fn seen<B: Backend>(world: &World<B>, person: &Person, owner: &Person) -> SeenMember {
    world.store.seen_member(person.id, owner.id).await.unwrap().unwrap()
}

async fn number<B: Backend>(world: &World<B>, owner: &Person) -> OrganisationNumber {
    seen(world, owner, owner).await.organisation
}

/// `who` makes the organisation of `owner` the active one.
async fn go<B: Backend>(world: &World<B>, who: &Person, owner: &Person) -> Standing {
    let number = number(world, owner).await;
    world.organisations().switch(&world.permit(who).await, number).await.unwrap().role
}

/// Where a credential acts, and how it stands there.
async fn place<B: Backend>(world: &World<B>, shown: &Presented) -> (AccountId, Standing, Option<Plan>) {
    let permit = world.doorkeeper().admit::<ReadMember>(shown, None).await.unwrap();
    let access = permit.access();
    (access.workspace, access.standing, access.plan)
}

pub async fn every_account_and_team_has_a_number_of_its_own<B: Backend>(backend: B) {
    let world = World::new(backend);
    let sign_up = async |n: usize| {
        let (email, sign_ups) = (people::email(&format!("runner{n}@example.com")), world.sign_ups());
        sign_ups.sign_up(email.clone(), &password(), None).await.unwrap();
        world.store.seen_sign_in(&email).await.unwrap().unwrap().account
    };
    let accounts = race(16, sign_up).await;
    let (mut people_seen, mut organisations) = (HashSet::new(), HashSet::new());
    for id in accounts {
        let member = world.store.seen_member(id, id).await.unwrap().unwrap();
        assert_eq!(member.number, world.store.seen_member(id, id).await.unwrap().unwrap().number, "it stays");
        assert!((1..=16).contains(&member.number.0), "{:?}", member.number);
        assert!((1..=16).contains(&member.organisation.get()), "{:?}", member.organisation);
        people_seen.insert(member.number);
        organisations.insert(member.organisation);
    }
    assert_eq!((people_seen.len(), organisations.len()), (16, 16));
}

pub async fn a_member_is_seen_in_an_organisation<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    world.operator().set_plan(&olive.email, Plan::Api).await.unwrap();
    let (home, there) = (seen(&world, &ada, &ada).await, seen(&world, &ada, &olive).await);
    assert_eq!((there.account, there.number, &there.email), (ada.id, home.number, &ada.email));
    assert_eq!((there.name, there.created_at, there.revision), (home.name, world.now(), home.revision));
    assert_eq!((there.organisation_name, there.plan), (people::name("olive"), Plan::Api));
    assert_ne!(there.organisation, home.organisation);
    let nobody = AccountId::new(people::uuid(0xDEAD));
    assert_eq!(world.store.seen_member(nobody, olive.id).await.unwrap(), None);
    assert_eq!(world.store.seen_member(olive.id, nobody).await.unwrap(), None);
}

pub async fn an_organisation_counts_its_members<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Member).await;
    let organisation = world.store.organisation(olive.id).await.unwrap().unwrap();
    let olives = seen(&world, &olive, &olive).await;
    assert_eq!((organisation.number, organisation.members), (olives.organisation, 2));
    assert_eq!(Some(organisation.team), world.store.team_of(olive.id).await.unwrap());
    let owner = OwnerShown { number: olives.number, email: olive.email.clone(), name: olives.name };
    assert_eq!(organisation.owner, owner);
    world.memberships().remove(&world.permit(&olive).await, membership.id).await.unwrap();
    assert_eq!(world.store.organisation(olive.id).await.unwrap().unwrap().members, 1);
}

pub async fn an_organisation_is_seen_by_its_number<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let olives = number(&world, &olive).await;
    let role = async || world.store.seen_organisation(olives, ada.id).await.unwrap().unwrap().role;
    assert_eq!(role().await, None);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    assert_eq!(role().await, Some(Role::Admin));
    let seen = world.store.seen_organisation(olives, olive.id).await.unwrap().unwrap();
    assert_eq!((seen.owner, seen.owner_status, seen.role), (olive.id, AccountStatus::Active, None));
    assert_eq!(seen.team, world.store.team_of(olive.id).await.unwrap().unwrap().id);
    assert_eq!(seen.owner_revision, self::seen(&world, &olive, &olive).await.revision);
    world.memberships().remove(&world.permit(&olive).await, membership.id).await.unwrap();
    assert_eq!(role().await, None);
    assert_eq!(world.store.seen_organisation(4711.try_into().unwrap(), ada.id).await.unwrap(), None);
}

pub async fn organisations_are_listed_but_for_those_of_suspended_owners<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo, ada) = (world.person("olive").await, world.person("bo").await, world.person("ada").await);
    world.join(&olive, &ada, Role::Member).await;
    world.join(&bo, &ada, Role::Admin).await;
    let listed = async |limit| {
        let choices = world.store.organisations_of(ada.id, limit).await.unwrap();
        choices.into_iter().map(|it| (it.number, it.owner, it.role)).collect::<Vec<_>>()
    };
    let (olives, bos) = (number(&world, &olive).await, number(&world, &bo).await);
    let both = [(bos, bo.id, Standing::Admin), (olives, olive.id, Standing::Member)];
    assert_eq!(listed(9).await, both);
    assert_eq!(listed(1).await, both[..1]);
    world.backend.set_status(bo.id, AccountStatus::Suspended).await;
    assert_eq!(listed(9).await, both[1..]);
}

pub async fn a_session_is_seen_where_its_account_went<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    world.operator().set_plan(&olive.email, Plan::Professional).await.unwrap();
    let membership = world.join(&olive, &ada, Role::Member).await;
    assert_eq!(place(&world, &ada.presented).await, (ada.id, Standing::Owner, Some(Plan::Free)));
    assert_eq!(go(&world, &ada, &olive).await, Standing::Member);
    let elsewhere = world.sign_in(&ada).await;
    for session in [&ada.presented, &elsewhere.presented] {
        assert_eq!(place(&world, session).await, (olive.id, Standing::Member, Some(Plan::Professional)));
    }
    let workspace = world.store.seen_in_organisation(&ada.presented).await.unwrap().unwrap().caller.workspace.unwrap();
    assert_eq!((workspace.owner, workspace.role), (olive.id, Role::Member));
    assert_eq!(workspace.revision, seen(&world, &olive, &olive).await.revision);
    assert_eq!(world.store.seen_caller(&ada.presented, None).await.unwrap().unwrap().workspace, None);
    world.memberships().change_role(&world.permit(&olive).await, membership.id, Role::Admin).await.unwrap();
    assert_eq!(place(&world, &ada.presented).await.1, Standing::Admin, "the role of now");
    assert_eq!(go(&world, &ada, &ada).await, Standing::Owner);
    assert_eq!(place(&world, &ada.presented).await, (ada.id, Standing::Owner, Some(Plan::Free)));
    assert_eq!(world.actions(ada.id).await.iter().filter(|it| *it == "account.updated").count(), 2);
}

pub async fn a_key_is_seen_where_it_was_minted<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    world.operator().set_plan(&olive.email, Plan::Professional).await.unwrap();
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let (own, lent) = (world.mint(&ada, &ada, "own").await, world.mint(&ada, &olive, "lent").await);
    go(&world, &ada, &olive).await;
    let (own, lent) = (Presented::Key(own.secret.digest()), Presented::Key(lent.secret.digest()));
    assert_eq!(place(&world, &own).await, (ada.id, Standing::Owner, Some(Plan::Free)));
    assert_eq!(place(&world, &lent).await, (olive.id, Standing::Admin, Some(Plan::Professional)));
    world.memberships().change_role(&world.permit(&olive).await, membership.id, Role::Member).await.unwrap();
    assert_eq!(place(&world, &lent).await.1, Standing::Member, "the role of now");
    assert_eq!(world.store.seen_in_organisation(&Presented::Key(Digest::of("another"))).await.unwrap(), None);
}

pub async fn whoever_does_not_belong_any_more_is_seen_at_home<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    go(&world, &ada, &olive).await;
    let home = (ada.id, Standing::Owner, Some(Plan::Free));
    world.backend.set_status(olive.id, AccountStatus::Suspended).await;
    assert_eq!(place(&world, &ada.presented).await, home);
    world.backend.set_status(olive.id, AccountStatus::Active).await;
    assert_eq!(place(&world, &ada.presented).await.0, olive.id, "the choice was kept");
    world.memberships().remove(&world.permit(&olive).await, membership.id).await.unwrap();
    assert_eq!(place(&world, &ada.presented).await, home);
}

pub async fn an_organisation_that_was_left_meanwhile_is_not_gone_to<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let by = world.permit::<SwitchOrganisation>(&ada).await;
    let number = number(&world, &olive).await;
    let target = world.store.seen_organisation(number, ada.id).await.unwrap().unwrap();
    let record = forge::member_change(&world.desk, &by, target, seen(&world, &ada, &olive).await).await;
    world.memberships().remove(&world.permit(&olive).await, membership.id).await.unwrap();
    let before = world.backend.rows().await;
    assert!(matches!(world.store.commit_member(&record).await, Err(CommitError::Stale)));
    assert_eq!(world.backend.rows().await, before);
    assert_eq!(place(&world, &ada.presented).await.0, ada.id);
}

pub async fn a_team_that_moves_keeps_its_number_and_its_visitors<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive) = (world.staffer("sam").await, world.person("olive").await);
    let (ada, bo) = (world.person("ada").await, world.person("bo").await);
    world.join(&olive, &ada, Role::Member).await;
    world.join(&olive, &bo, Role::Member).await;
    let (olives, adas) = (number(&world, &olive).await, number(&world, &ada).await);
    go(&world, &ada, &olive).await;
    go(&world, &bo, &olive).await;
    world.staff().transfer(&world.permit(&sam).await, olive.id, ada.id).await.unwrap();
    assert_eq!((number(&world, &ada).await, number(&world, &olive).await), (olives, adas));
    assert_eq!(place(&world, &bo.presented).await.0, ada.id);
    assert_eq!(place(&world, &ada.presented).await.0, ada.id);
    assert_eq!(place(&world, &ada.presented).await.1, Standing::Owner);
}

pub async fn what_is_declined_is_kept<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let notices = async || world.store.seen_notices(olive.id).await.unwrap().unwrap();
    let before = notices().await;
    assert_eq!((before.declined, before.severe_declined), (vec![], false));
    let set = async |wanted| {
        let wished = [
            Notice::Mail(OptionalMail::TierChanged),
            Notice::SevereEntries,
            Notice::Mail(OptionalMail::BillingReceipt),
        ]
        .map(|notice| NoticeChoice { notice, wanted });
        world.organisations().set_notices(&world.permit(&olive).await, &wished).await.unwrap();
    };
    set(false).await;
    set(false).await;
    let after = notices().await;
    assert_eq!(after.declined.iter().copied().collect::<HashSet<_>>().len(), 2);
    assert!(after.severe_declined && world.store.declines_severe(olive.id).await.unwrap());
    assert_eq!(after.revision, Revision(before.revision.0 + 1), "what is so already is not written");
    assert_eq!(world.store.declined(olive.id).await.unwrap().len(), 2, "the mails are those of the other dialect");
    assert!(!world.store.declines_severe(ada.id).await.unwrap());
    set(true).await;
    let again = notices().await;
    assert!(again.declined.is_empty() && !again.severe_declined);
}
