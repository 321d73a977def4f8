//! `StaffStore`.

use driftstack_domain::{
    access::{CallerStore as _, Presented},
    account::{Account, AccountStatus, AccountStore as _},
    api_key::ApiKeyStore as _,
    change::{Revision, StoreError},
    mail::{MailContent, MailPreference, OptionalMail},
    page::PageRequest,
    staff::{SeenAccount, StaffStore as _},
    team::TeamStore as _,
    testing::people,
    tier::{Overrides, Plan, Tier},
};

use crate::{
    backend::Backend,
    world::{Person, World, order},
};

async fn found<B: Backend>(world: &World<B>, who: &Person) -> Result<Option<SeenAccount>, StoreError> {
    world.store.account_by_email(&who.email).await
}

pub async fn an_account_is_found_by_its_address_unless_it_is_deleted<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let account = world.store.own_account(olive.id).await.unwrap().unwrap().account;
    let team = world.store.team_of(olive.id).await.unwrap().unwrap();
    let expected = |status| SeenAccount {
        account: Account { status, ..account.clone() },
        staff: false,
        email_verified_at: Some(world.now()),
        overrides: Overrides::NONE,
        team: team.clone(),
        revision: Revision(2),
        wants_tier_mail: true,
    };
    for status in [AccountStatus::Active, AccountStatus::Suspended] {
        world.backend.set_status(olive.id, status).await;
        assert_eq!(found(&world, &olive).await.unwrap(), Some(expected(status)));
        assert_eq!(world.store.account(olive.id).await.unwrap(), Some(expected(status)));
    }
    world.backend.set_status(olive.id, AccountStatus::Deleted).await;
    assert_eq!(found(&world, &olive).await.unwrap(), None);
    assert_eq!(world.store.account(olive.id).await.unwrap(), None);
    assert_eq!(world.store.account_by_email(&people::email("nobody@example.com")).await.unwrap(), None);
}

pub async fn a_tier_is_changed_with_a_mail<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    world.operator().set_tier(&olive.email, Tier::ApiScale).await.unwrap();
    assert_eq!(found(&world, &olive).await.unwrap().unwrap().account.tier, Tier::ApiScale);
    assert_eq!(found(&world, &bo).await.unwrap().unwrap().account.tier, Tier::Free);
    let caller = world.store.seen_caller(&olive.presented, None).await.unwrap().unwrap();
    assert_eq!((caller.tier, caller.revision), (Tier::ApiScale, Revision(3)));
    let mails = world.post().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].content, MailContent::TierChanged { from: Tier::Free, to: Tier::ApiScale });
    assert_eq!(world.actions(olive.id).await.last().unwrap(), "subscription.tier_changed");
}

pub async fn a_declined_mail_is_not_wanted<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for (mail, wanted) in [(OptionalMail::SignupWelcome, true), (OptionalMail::TierChanged, false)] {
        let preference = MailPreference { mail, opted_in: false };
        world.preferences().set(&world.permit(&olive).await, preference).await.unwrap();
        assert_eq!(found(&world, &olive).await.unwrap().unwrap().wants_tier_mail, wanted);
    }
}

pub async fn staff_is_given_and_taken<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for staff in [true, false] {
        world.operator().set_staff(&olive.email, staff).await.unwrap();
        assert_eq!(found(&world, &olive).await.unwrap().unwrap().staff, staff);
        assert_eq!(world.store.seen_caller(&olive.presented, None).await.unwrap().unwrap().staff, staff);
    }
    assert_eq!(world.log(olive.id).await.len(), 4);
}

pub async fn an_operators_key_is_in_the_accounts_own_hands<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let secret = world.operator().mint_key(&olive.email, order("ci")).await.unwrap();
    let key = world.store.keys(olive.id, PageRequest::default()).await.unwrap().rows.remove(0);
    assert_eq!((key.minted_by, key.minted_with, key.digest), (olive.id, None, secret.digest()));
    assert!(world.store.seen_caller(&Presented::Key(key.digest), None).await.unwrap().is_some());
}

pub async fn a_plan_is_kept_with_the_team<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let plan = async |who: &Person| found(&world, who).await.unwrap().unwrap().team.plan;
    assert_eq!(plan(&olive).await, Plan::Free);
    for _ in 0..2 {
        world.operator().set_plan(&olive.email, Plan::Professional).await.unwrap();
    }
    assert_eq!((plan(&olive).await, plan(&bo).await), (Plan::Professional, Plan::Free));
    assert_eq!(world.actions(olive.id).await[2..], ["subscription.plan_changed"]);
}
