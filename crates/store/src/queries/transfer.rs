//! A team in other hands: what belongs to the workspace moves, what belongs to the person stays.

use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{id::AccountId, staff::OwnershipTransfer, team::Team, time::Timestamp};

use super::{Answer, Conn, Fault, membership};
use crate::{
    cached::update,
    schema::{api_keys, invites, memberships, teams},
    types::b,
};

pub(super) async fn transfer(c: &mut Conn, it: &OwnershipTransfer) -> Answer<()> {
    let ended = update(
        memberships::table
            .find(b(&it.ended))
            .filter(memberships::owner.eq(b(&it.from)))
            .filter(memberships::member.eq(b(&it.to)))
            .filter(memberships::removed_at.is_null()),
    )
    .set(memberships::removed_at.eq(b(&Some(it.at))))
    .execute(c)
    .await?;
    Fault::unless_one(ended)?;
    void_invites(c, it.to, it.at).await?;
    move_members_and_invites(c, it.from, it.to).await?;
    membership::insert(c, &it.membership).await?;
    update(api_keys::table.filter(api_keys::account.eq(b(&it.from))))
        .set(api_keys::account.eq(b(&it.to)))
        .execute(c)
        .await?;
    swap_teams(c, it).await
}

pub(super) async fn void_invites(c: &mut Conn, owner: AccountId, at: Timestamp) -> Answer<()> {
    let open = invites::table
        .filter(invites::owner.eq(b(&owner)))
        .filter(invites::accepted_at.is_null())
        .filter(invites::voided_at.is_null());
    update(open).set(invites::voided_at.eq(b(&Some(at)))).execute(c).await?;
    Ok(())
}

async fn move_members_and_invites(c: &mut Conn, from: AccountId, to: AccountId) -> Answer<()> {
    let active = memberships::table.filter(memberships::owner.eq(b(&from))).filter(memberships::removed_at.is_null());
    update(active).set(memberships::owner.eq(b(&to))).execute(c).await?;
    let open = invites::table
        .filter(invites::owner.eq(b(&from)))
        .filter(invites::accepted_at.is_null())
        .filter(invites::voided_at.is_null());
    update(open).set(invites::owner.eq(b(&to))).execute(c).await?;
    Ok(())
}

/// Taken out and put back: an account has one team at any moment, and no engine looks away until the second one is moved.
async fn swap_teams(c: &mut Conn, it: &OwnershipTransfer) -> Answer<()> {
    for Team { id, owner, .. } in &it.teams {
        let had = if *owner == it.to { it.from } else { it.to };
        let taken = dsl::delete(teams::table.find(b(id)).filter(teams::owner.eq(b(&had)))).execute(c).await?;
        Fault::unless_one(taken)?;
    }
    for team in &it.teams {
        dsl::insert_into(teams::table).values(team).execute(c).await?;
    }
    Ok(())
}
