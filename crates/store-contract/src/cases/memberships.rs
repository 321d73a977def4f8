//! `MembershipStore`.

use driftstack_domain::{
    access::{CallerStore as _, Presented, SeenCredential},
    account::AccountStatus,
    api_key::{ApiKeyStore as _, Minted},
    change::{MaybeStale as _, Revision},
    id::MembershipId,
    membership::{MembershipStore as _, OwnerSeen},
    page::{Limit, PageRequest},
    policy::Role,
    testing::people,
};

use crate::{
    backend::Backend,
    forge,
    world::{Person, World},
};

async fn members<B: Backend>(world: &World<B>, owner: &Person) -> Vec<MembershipId> {
    let page = world.store.members(owner.id, PageRequest::default()).await.unwrap();
    page.rows.iter().map(|it| it.id).collect()
}

async fn is_revoked<B: Backend>(world: &World<B>, minted: &Minted) -> bool {
    let shown = Presented::Key(minted.secret.digest());
    let caller = world.store.seen_caller(&shown, None).await.unwrap().unwrap();
    matches!(caller.credential, SeenCredential::Key { revoked_at: Some(_), .. })
}

pub async fn members_are_listed_newest_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada, bo) = (world.person("olive").await, world.person("ada").await, world.person("bo").await);
    let first = world.join(&olive, &ada, Role::Admin).await;
    let second = world.join(&olive, &bo, Role::Member).await;
    world.join(&bo, &ada, Role::Member).await;
    let page = world.store.members(olive.id, PageRequest::default()).await.unwrap();
    assert_eq!(page.rows, [second.clone(), first.clone()]);
    assert_eq!((&first.member_email, first.invited_by), (&ada.email, Some(olive.id)));
    world.memberships().remove(&world.permit(&olive).await, second.id).await.unwrap();
    assert_eq!(members(&world, &olive).await, [first.id]);
}

pub async fn owners_are_listed_but_for_deleted_ones<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada, bo) = (world.person("olive").await, world.person("ada").await, world.person("bo").await);
    let on_olives = world.join(&olive, &ada, Role::Admin).await;
    let on_bos = world.join(&bo, &ada, Role::Member).await;
    let seen = |owner: &Person, membership, name: &str, role| OwnerSeen {
        membership,
        owner: owner.id,
        owner_email: owner.email.clone(),
        owner_name: Some(people::name(name)),
        role,
    };
    let [olives, bos] = [seen(&olive, on_olives.id, "olive", Role::Admin), seen(&bo, on_bos.id, "bo", Role::Member)];
    let one = PageRequest { limit: Limit::new(1).unwrap(), after: None };
    let page = world.store.owners(ada.id, one).await.unwrap();
    assert_eq!(page.rows, [bos]);
    let next = world.store.owners(ada.id, PageRequest { after: page.next, ..one }).await.unwrap();
    assert_eq!((next.rows.len(), &next.rows[0]), (1, &olives));
    world.backend.set_status(bo.id, AccountStatus::Deleted).await;
    world.backend.set_status(olive.id, AccountStatus::Suspended).await;
    assert_eq!(world.store.owners(ada.id, PageRequest::default()).await.unwrap().rows, [olives]);
}

pub async fn a_membership_is_seen_after_its_end<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let seen = async || world.store.seen_membership(membership.id).await.unwrap().unwrap();
    assert_eq!((seen().await.removed_at, seen().await.owner_revision), (None, Revision(4)));
    world.memberships().leave(&world.permit(&ada).await, membership.id).await.unwrap();
    assert_eq!((seen().await.removed_at, seen().await.owner_revision), (Some(world.now()), Revision(5)));
    assert_eq!(seen().await.membership, membership);
    assert_eq!(world.store.seen_membership(MembershipId::new(people::uuid(1))).await.unwrap(), None);
}

pub async fn a_role_changes<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let change = world.memberships();
    let changed = change.change_role(&world.permit(&olive).await, membership.id, Role::Member).await.unwrap();
    assert_eq!(changed.role, Role::Member);
    assert_eq!(world.store.seen_membership(membership.id).await.unwrap().unwrap().membership, changed);
    assert_eq!(world.actions(olive.id).await.last().unwrap(), "team.member_role_changed");
}

pub async fn a_removal_revokes_the_members_keys_and_no_other<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let hers = [world.mint(&ada, &olive, "one").await, world.mint(&ada, &olive, "two").await];
    let others = [world.mint(&olive, &olive, "owner's").await, world.mint(&ada, &ada, "at home").await];
    let gone = world.mint(&ada, &olive, "revoked before").await;
    world.keys().revoke(&world.permit(&olive).await, gone.key.id).await.unwrap();
    let in_hands = world.store.keys_in_hands_of(olive.id, ada.id).await.unwrap();
    assert_eq!(in_hands, hers.each_ref().map(|key| key.key.id), "oldest first, unrevoked, on that account");
    world.memberships().remove(&world.permit(&olive).await, membership.id).await.unwrap();
    for key in &hers {
        assert!(is_revoked(&world, key).await);
    }
    for key in &others {
        assert!(!is_revoked(&world, key).await);
    }
    assert!(world.store.keys_in_hands_of(olive.id, ada.id).await.unwrap().is_empty());
}

pub async fn a_membership_that_ended_cannot_be_moved<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let active = world.store.seen_membership(membership.id).await.unwrap().unwrap();
    world.memberships().remove(&world.permit(&olive).await, membership.id).await.unwrap();
    let key = world.mint(&olive, &olive, "ci").await;
    // As it was, but with the revision of now: only the row itself can tell.
    let mut ended = world.store.seen_membership(membership.id).await.unwrap().unwrap();
    let before = (world.backend.rows().await, ended.clone());
    ended.removed_at = active.removed_at;
    let change = forge::role_change(&world.desk, &world.permit(&olive).await, ended.clone(), Role::Member).await;
    assert!(world.store.commit_role_change(&change).await.unwrap_err().is_stale());
    let removal = forge::removal(&world.desk, &world.permit(&olive).await, ended, vec![key.key.id]).await;
    assert!(world.store.commit_removal(&removal).await.unwrap_err().is_stale());
    let after = (world.backend.rows().await, world.store.seen_membership(membership.id).await.unwrap().unwrap());
    assert_eq!(after, before);
    assert!(!is_revoked(&world, &key).await, "nothing of a refused removal happens");
}

pub async fn a_removal_that_fails_half_way_has_removed_nobody<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    let (live, revoked) = (world.mint(&ada, &olive, "live").await, world.mint(&ada, &olive, "revoked").await);
    world.keys().revoke(&world.permit(&olive).await, revoked.key.id).await.unwrap();
    let seen = world.store.seen_membership(membership.id).await.unwrap().unwrap();
    let keys = vec![live.key.id, revoked.key.id];
    let removal = forge::removal(&world.desk, &world.permit(&olive).await, seen.clone(), keys).await;
    assert!(world.store.commit_removal(&removal).await.unwrap_err().is_stale(), "one of the keys is revoked already");
    assert_eq!(world.store.seen_membership(membership.id).await.unwrap(), Some(seen));
    assert!(!is_revoked(&world, &live).await);
    world.log(olive.id).await;
}

pub async fn somebody_who_left_can_be_invited_again<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let first = world.join(&olive, &ada, Role::Admin).await;
    let key = world.mint(&ada, &olive, "from the first time").await;
    world.memberships().leave(&world.permit(&ada).await, first.id).await.unwrap();
    let second = world.join(&olive, &ada, Role::Member).await;
    assert_eq!(members(&world, &olive).await, [second.id]);
    assert!(is_revoked(&world, &key).await, "coming back does not bring a key back");
}

pub async fn a_walk_is_stable_while_members_come_and_go<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let mut joined = Vec::new();
    for n in 0..9 {
        let guest = world.person(&format!("guest{n}")).await;
        joined.push(world.join(&olive, &guest, Role::Member).await.id);
    }
    let gone = joined[4];
    let comings_and_goings = async {
        world.memberships().remove(&world.permit(&olive).await, gone).await.unwrap();
        for n in 0..3 {
            let guest = world.person(&format!("late{n}")).await;
            world.join(&olive, &guest, Role::Member).await;
        }
    };
    let walk = async {
        let mut page = PageRequest { limit: Limit::new(2).unwrap(), after: None };
        let mut walked = Vec::new();
        loop {
            let found = world.store.members(olive.id, page).await.unwrap();
            walked.extend(found.rows.iter().map(|it| it.id));
            tokio::task::yield_now().await;
            page.after = found.next;
            if page.after.is_none() {
                return walked;
            }
        }
    };
    let (mut walked, ()) = tokio::join!(walk, comings_and_goings);
    assert!(walked.is_sorted_by(|a, b| a > b), "newest first, none twice: {walked:?}");
    walked.retain(|id| joined.contains(id) && *id != gone);
    joined.retain(|id| *id != gone);
    joined.reverse();
    assert_eq!(walked, joined, "whoever was there all the time is met once");
    assert!(world.store.keys(olive.id, PageRequest::default()).await.unwrap().rows.is_empty());
}
