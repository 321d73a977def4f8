//! Invites and memberships.

use std::sync::Arc;

use driftstack_domain::{
    access::Permit,
    desk::Desk,
    email::Email,
    id::ApiKeyId,
    membership::{
        Acceptance, Invitation, InviteRevocation, Invites, Memberships, MockInviteStore, MockMembershipStore, Removal,
        Resending, RoleChange, SeenInvite, SeenInvitee, SeenMembership, SeenToken,
    },
    name::Name,
    policy::{
        Role,
        action::{AcceptInvite, ChangeRole, InviteMember, RemoveMember, ResendInvite, RevokeInvite},
    },
    testing::people,
};

use super::{Caught, any_token};

fn invites(desk: &Desk, store: MockInviteStore) -> Invites {
    Invites::new(Arc::new(store), desk.clone())
}

/// An invite to somebody who does not seem to be a member.
pub async fn invitation(desk: &Desk, by: &Permit<InviteMember>, email: Email, team: Name) -> Invitation {
    let (mut store, caught) = (MockInviteStore::new(), Caught::nothing());
    let seen = SeenInvitee { owner_email: people::email("owner@example.com"), team, is_member: false };
    store.expect_seen_invitee().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_invitation().returning(caught.catch());
    invites(desk, store).invite(by, email, Role::Member).await.unwrap();
    caught.take()
}

pub async fn resending(desk: &Desk, by: &Permit<ResendInvite>, seen: SeenInvite) -> Resending {
    let (mut store, caught) = (MockInviteStore::new(), Caught::nothing());
    let id = seen.invite.id;
    store.expect_seen_invite().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_resending().returning(caught.catch());
    invites(desk, store).resend(by, id).await.unwrap();
    caught.take()
}

pub async fn invite_revocation(desk: &Desk, by: &Permit<RevokeInvite>, seen: SeenInvite) -> InviteRevocation {
    let (mut store, caught) = (MockInviteStore::new(), Caught::nothing());
    let id = seen.invite.id;
    store.expect_seen_invite().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_invite_revocation().returning(caught.catch());
    invites(desk, store).revoke(by, id).await.unwrap();
    caught.take()
}

pub async fn acceptance(desk: &Desk, by: &Permit<AcceptInvite>, seen: SeenToken) -> Acceptance {
    let (mut store, caught) = (MockInviteStore::new(), Caught::nothing());
    store.expect_seen_token().returning(move |_, _| Ok(Some(seen.clone())));
    store.expect_commit_acceptance().returning(caught.catch());
    invites(desk, store).accept(by, &any_token()).await.unwrap();
    caught.take()
}

fn memberships(desk: &Desk, store: MockMembershipStore) -> Memberships {
    Memberships::new(Arc::new(store), desk.clone())
}

pub async fn role_change(desk: &Desk, by: &Permit<ChangeRole>, seen: SeenMembership, role: Role) -> RoleChange {
    let (mut store, caught) = (MockMembershipStore::new(), Caught::nothing());
    let id = seen.membership.id;
    store.expect_seen_membership().returning(move |_| Ok(Some(seen.clone())));
    store.expect_commit_role_change().returning(caught.catch());
    memberships(desk, store).change_role(by, id, role).await.unwrap();
    caught.take()
}

pub async fn removal(desk: &Desk, by: &Permit<RemoveMember>, seen: SeenMembership, keys: Vec<ApiKeyId>) -> Removal {
    let (mut store, caught) = (MockMembershipStore::new(), Caught::nothing());
    let id = seen.membership.id;
    store.expect_seen_membership().returning(move |_| Ok(Some(seen.clone())));
    store.expect_keys_in_hands_of().returning(move |_, _| Ok(keys.clone()));
    store.expect_commit_removal().returning(caught.catch());
    memberships(desk, store).remove(by, id).await.unwrap();
    caught.take()
}
