//! `InviteStore`.

use std::sync::Arc;

use driftstack_domain::{
    account::AccountStatus,
    change::{MaybeStale as _, Revision},
    id::InviteId,
    membership::{INVITE_LIFE, Invite, InviteStore as _, MembershipStore as _, SeenInvite},
    page::{Limit, PageRequest},
    policy::Role,
    secret::Digest,
    testing::people,
    time::HOUR,
};

use crate::{
    backend::Backend,
    forge,
    world::{Person, World},
};

async fn invite<B: Backend>(world: &World<B>, by: &Person, address: &str) -> Invite {
    world.invites().invite(&world.permit(by).await, people::email(address), Role::Member).await.unwrap()
}

async fn seen<B: Backend>(world: &World<B>, owner: &Person, id: InviteId) -> SeenInvite {
    world.store.seen_invite(owner.id, id).await.unwrap().unwrap()
}

async fn pending<B: Backend>(world: &World<B>, owner: &Person) -> Vec<InviteId> {
    let page = world.store.pending_invites(owner.id, world.now(), PageRequest::default()).await.unwrap();
    page.rows.iter().map(|invite| invite.id).collect()
}

pub async fn an_invite_is_read_as_it_was_written<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let made = invite(&world, &olive, "ada@example.com").await;
    assert_eq!(seen(&world, &olive, made.id).await, SeenInvite { invite: made.clone(), team: people::name("olive") });
    let page = world.store.pending_invites(olive.id, world.now(), PageRequest::default()).await.unwrap();
    assert_eq!(page.rows, [made]);
}

pub async fn only_pending_invites_are_listed<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada, bo) = (world.person("olive").await, world.person("ada").await, world.person("bo").await);
    let old = invite(&world, &olive, "old@example.com").await;
    world.clock.advance(HOUR);
    world.join(&olive, &ada, Role::Member).await;
    let first = invite(&world, &olive, "first@example.com").await;
    let revoked = invite(&world, &olive, "revoked@example.com").await;
    world.invites().revoke(&world.permit(&olive).await, revoked.id).await.unwrap();
    let second = invite(&world, &olive, "second@example.com").await;
    invite(&world, &bo, "first@example.com").await;
    assert_eq!(pending(&world, &olive).await, [second.id, first.id, old.id]);
    let one = PageRequest { limit: Limit::new(1).unwrap(), after: None };
    let page = world.store.pending_invites(olive.id, world.now(), one).await.unwrap();
    let next = PageRequest { after: page.next, ..one };
    let next = world.store.pending_invites(olive.id, world.now(), next).await.unwrap();
    assert_eq!((page.rows[0].id, next.rows[0].id), (second.id, first.id));
    // At its last moment an invite is over.
    let end = old.created_at.plus(INVITE_LIFE);
    let page = world.store.pending_invites(olive.id, end, PageRequest::default()).await.unwrap();
    assert_eq!(page.rows.iter().map(|it| it.id).collect::<Vec<_>>(), [second.id, first.id]);
}

pub async fn a_second_invite_voids_the_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let first = invite(&world, &olive, "ada@example.com").await;
    let other = invite(&world, &olive, "eve@example.com").await;
    let elsewhere = invite(&world, &bo, "ada@example.com").await;
    // One that has expired is voided too: sending it again would bring it back to life.
    world.clock.advance(INVITE_LIFE * 2);
    let olive = Person { presented: signed_in_again(&world, &olive).await, ..olive };
    let second = invite(&world, &olive, "ada@example.com").await;
    assert_eq!(seen(&world, &olive, first.id).await.invite.voided_at, Some(world.now()));
    assert_eq!(seen(&world, &olive, second.id).await.invite.voided_at, None);
    assert_eq!(seen(&world, &olive, other.id).await.invite.voided_at, None);
    assert_eq!(seen(&world, &bo, elsewhere.id).await.invite.voided_at, None);
}

async fn signed_in_again<B: Backend>(world: &World<B>, who: &Person) -> driftstack_domain::access::Presented {
    use crate::world::presented;
    presented(&world.log_in(&who.email).await.token)
}

pub async fn an_invite_is_seen_by_its_owner_alone<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let made = invite(&world, &olive, "ada@example.com").await;
    assert_eq!(world.store.seen_invite(bo.id, made.id).await.unwrap(), None);
    assert_eq!(world.store.seen_invite(olive.id, InviteId::new(people::uuid(1))).await.unwrap(), None);
}

pub async fn a_token_is_seen_with_the_taker<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada, bo) = (world.person("olive").await, world.person("ada").await, world.person("bo").await);
    // Ada is on somebody's team already, but not on that of the invite.
    world.join(&bo, &ada, Role::Member).await;
    let token = world.invite(&olive, &ada, Role::Admin).await.digest();
    let seen = async |taker: &Person| world.store.seen_token(&token, taker.id).await.unwrap().unwrap();
    let fresh = seen(&ada).await;
    assert_eq!((&fresh.taker_email, fresh.taker_is_member), (&ada.email, false));
    assert_eq!((fresh.owner_status, fresh.owner_revision), (AccountStatus::Active, Revision(3)));
    assert_eq!((seen(&bo).await.taker_email, seen(&bo).await.invite.owner), (bo.email, olive.id));
    assert_eq!(world.store.seen_token(&Digest::of("another token"), ada.id).await.unwrap(), None);
    world.invites().accept(&world.permit(&ada).await, &world.invite(&olive, &ada, Role::Admin).await).await.unwrap();
    world.backend.set_status(olive.id, AccountStatus::Deleted).await;
    let voided = seen(&ada).await;
    assert!(voided.taker_is_member && voided.invite.voided_at.is_some());
    assert_eq!(voided.owner_status, AccountStatus::Deleted);
}

/// Resends, revokes and accepts an invite on the strength of what it was like when it was pending.
async fn cannot_be_moved<B: Backend>(world: &Arc<World<B>>, olive: &Person, ada: &Person, pending: &SeenInvite) {
    let after = world.store.seen_invite(olive.id, pending.invite.id).await.unwrap();
    let before = world.backend.rows().await;
    let resending = forge::resending(&world.desk, &world.permit(olive).await, pending.clone()).await;
    assert!(world.store.commit_resending(&resending).await.unwrap_err().is_stale());
    let revocation = forge::invite_revocation(&world.desk, &world.permit(olive).await, pending.clone()).await;
    assert!(world.store.commit_invite_revocation(&revocation).await.unwrap_err().is_stale());
    let mut seen = world.store.seen_token(&pending.invite.token, ada.id).await.unwrap().unwrap();
    seen.invite = pending.invite.clone();
    seen.taker_is_member = false;
    let acceptance = forge::acceptance(&world.desk, &world.permit(ada).await, seen).await;
    assert!(world.store.commit_acceptance(&acceptance).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before, "nothing was written");
    assert_eq!(world.store.seen_invite(olive.id, pending.invite.id).await.unwrap(), after);
    world.log(olive.id).await;
}

pub async fn an_invite_that_is_over_cannot_be_moved<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let revoked = invite(&world, &olive, "ada@example.com").await;
    let pending = seen(&world, &olive, revoked.id).await;
    world.invites().revoke(&world.permit(&olive).await, revoked.id).await.unwrap();
    cannot_be_moved(&world, &olive, &ada, &pending).await;

    let accepted = invite(&world, &olive, "ada@example.com").await;
    let pending = seen(&world, &olive, accepted.id).await;
    let token = world.mailed_token(&ada.email).await;
    let membership = world.invites().accept(&world.permit(&ada).await, &token).await.unwrap();
    // Gone again, so that only the invite itself is in the way.
    world.memberships().remove(&world.permit(&olive).await, membership.id).await.unwrap();
    cannot_be_moved(&world, &olive, &ada, &pending).await;
}

pub async fn an_acceptance_makes_a_member<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    let invitee = async || world.store.seen_invitee(olive.id, &ada.email).await.unwrap().unwrap();
    assert!(!invitee().await.is_member);
    let membership = world.join(&olive, &ada, Role::Admin).await;
    assert!(invitee().await.is_member);
    assert_eq!((invitee().await.owner_email, invitee().await.team), (olive.email.clone(), people::name("olive")));
    assert_eq!(world.store.members(olive.id, PageRequest::default()).await.unwrap().rows, [membership]);
    assert!(pending(&world, &olive).await.is_empty());
    assert_eq!(world.store.seen_invitee(people::BO, &ada.email).await.unwrap(), None);
}

pub async fn an_acceptance_that_fails_half_way_leaves_the_invite_pending<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, ada) = (world.person("olive").await, world.person("ada").await);
    world.join(&olive, &ada, Role::Member).await;
    // Sent by somebody who did not know that Ada is a member, and accepted by somebody who did not know it either.
    let by = world.permit(&olive).await;
    let invitation = forge::invitation(&world.desk, &by, ada.email.clone(), people::name("olive")).await;
    world.store.commit_invitation(&invitation).await.unwrap();
    let mut seen = world.store.seen_token(&invitation.invite.token, ada.id).await.unwrap().unwrap();
    assert!(seen.taker_is_member);
    seen.taker_is_member = false;
    let before = world.backend.rows().await;
    let acceptance = forge::acceptance(&world.desk, &world.permit(&ada).await, seen).await;
    assert!(world.store.commit_acceptance(&acceptance).await.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    assert_eq!(pending(&world, &olive).await, [invitation.invite.id]);
    world.log(olive.id).await;
}
