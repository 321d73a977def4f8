//! `StaffStore`.

use driftstack_domain::{
    access::{CallerStore as _, Presented},
    account::AccountStatus,
    api_key::ApiKeyStore as _,
    change::{Revision, StoreError},
    mail::{MailContent, MailPreference, OptionalMail},
    page::PageRequest,
    staff::{SeenAccount, StaffStore as _},
    testing::people,
    tier::Tier,
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
    let expected = SeenAccount {
        id: olive.id,
        email: olive.email.clone(),
        tier: Tier::Free,
        staff: false,
        revision: Revision(2),
        wants_tier_mail: true,
    };
    for status in [AccountStatus::Active, AccountStatus::Suspended] {
        world.backend.set_status(olive.id, status).await;
        assert_eq!(found(&world, &olive).await.unwrap(), Some(expected.clone()));
    }
    world.backend.set_status(olive.id, AccountStatus::Deleted).await;
    assert_eq!(found(&world, &olive).await.unwrap(), None);
    assert_eq!(world.store.account_by_email(&people::email("nobody@example.com")).await.unwrap(), None);
}

pub async fn a_tier_is_changed_with_a_mail<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    world.operator().set_tier(&olive.email, Tier::ApiScale).await.unwrap();
    assert_eq!(found(&world, &olive).await.unwrap().unwrap().tier, Tier::ApiScale);
    assert_eq!(found(&world, &bo).await.unwrap().unwrap().tier, Tier::Free);
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
