//! `AccountStore` and `TeamStore`.

use driftstack_domain::{
    account::{AccountStatus, AccountStore as _, Edit, EditError, ProfileEdit, Region},
    change::MaybeStale as _,
    policy::Role,
    team::TeamStore as _,
    testing::people,
};

use crate::{backend::Backend, world::World};

fn every_field() -> ProfileEdit {
    ProfileEdit {
        name: Edit::Set(people::name("Olive O'Neil")),
        time_zone: Edit::Set("Europe/Amsterdam".parse().unwrap()),
        slug: Edit::Set("olive".parse().unwrap()),
        region: Edit::Set(Region::Eu),
        onboarding_completed: true,
    }
}

fn slug(text: &str) -> ProfileEdit {
    ProfileEdit { slug: Edit::Set(text.parse().unwrap()), ..ProfileEdit::default() }
}

pub async fn an_account_is_read_as_it_was_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let written = world.accounts().edit(&world.permit(&olive).await, every_field()).await.unwrap();
    assert_eq!(written.account.onboarding_completed_at, Some(world.now()));
    assert_eq!(world.store.own_account(olive.id).await.unwrap(), Some(written));
    assert_eq!(world.store.own_account(people::BO).await.unwrap(), None);
}

pub async fn what_is_cleared_is_gone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    world.accounts().edit(&world.permit(&olive).await, every_field()).await.unwrap();
    let edit = ProfileEdit {
        name: Edit::Clear,
        time_zone: Edit::Clear,
        slug: Edit::Clear,
        region: Edit::Clear,
        onboarding_completed: false,
    };
    world.accounts().edit(&world.permit(&olive).await, edit).await.unwrap();
    let account = world.store.own_account(olive.id).await.unwrap().unwrap().account;
    assert_eq!((account.name, account.time_zone, account.slug, account.region), (None, None, None, None));
    assert!(account.onboarding_completed_at.is_some(), "the mark is never taken back");
}

pub async fn ones_own_account_comes_with_its_teams_but_for_deleted_owners<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (ada, olive, bo, eve) =
        (world.person("ada").await, world.person("olive").await, world.person("bo").await, world.person("eve").await);
    let on_olives = world.join(&olive, &ada, Role::Admin).await;
    let on_bos = world.join(&bo, &ada, Role::Member).await;
    world.join(&eve, &ada, Role::Member).await;
    world.backend.set_status(eve.id, AccountStatus::Deleted).await;
    let teams = world.store.own_account(ada.id).await.unwrap().unwrap().teams;
    let shown: Vec<_> = teams.iter().map(|team| (team.membership, team.owner, team.role)).collect();
    assert_eq!(shown, [(on_bos.id, bo.id, Role::Member), (on_olives.id, olive.id, Role::Admin)]);
    assert_eq!((&teams[0].owner_email, &teams[0].owner_name), (&bo.email, &Some(people::name("bo"))));
}

pub async fn a_taken_slug_is_refused_and_nothing_is_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    world.accounts().edit(&world.permit(&olive).await, slug("acme")).await.unwrap();
    let (before, own) = (world.backend.rows().await, world.store.own_account(bo.id).await.unwrap());
    let refused = world.accounts().edit(&world.permit(&bo).await, slug("acme")).await;
    assert!(matches!(refused, Err(EditError::SlugTaken)), "{refused:?}");
    assert_eq!(world.backend.rows().await, before);
    assert_eq!(world.store.own_account(bo.id).await.unwrap(), own);
    world.log(bo.id).await;
}

pub async fn a_slug_that_was_given_up_is_free<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    world.accounts().edit(&world.permit(&olive).await, slug("acme")).await.unwrap();
    world.accounts().edit(&world.permit(&olive).await, slug("olive")).await.unwrap();
    assert!(world.accounts().edit(&world.permit(&bo).await, slug("acme")).await.is_ok());
}

pub async fn a_team_is_renamed<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let team = world.store.team_of(olive.id).await.unwrap().unwrap();
    assert_eq!((team.owner, &team.name), (olive.id, &people::name("olive")));
    let before = world.permit(&olive).await;
    let renamed = world.teams().rename(&before, team.id, people::name("Acme")).await.unwrap();
    assert_eq!(world.store.team_of(olive.id).await.unwrap(), Some(renamed));
    let again = world.teams().rename(&before, team.id, people::name("Emca")).await;
    assert!(again.unwrap_err().is_stale(), "the permit is older than the first renaming");
    assert_eq!(world.store.team_of(bo.id).await.unwrap().unwrap().name, people::name("bo"));
}
