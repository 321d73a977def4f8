use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::AccountStatus,
    auth::{NewChallenge, SeenChallenge},
    change::Revision,
    id::{AccountId, ChallengeId},
    secret::Digest,
    time::Timestamp,
};

use super::{Answer, Conn, Fault};
use crate::{
    cached::update,
    rows::seen,
    schema::{accounts, challenges},
    types::b,
};

seen! {
    struct ChallengeRow {
        id: ChallengeId = challenges.id,
        address: Digest = challenges.address,
        expires_at: Timestamp = challenges.expires_at,
        answered_at: Option<Timestamp> = challenges.answered_at,
        account: AccountId = accounts.id,
        status: AccountStatus = accounts.status,
        purge_at: Option<Timestamp> = accounts.purge_at,
        revision: Revision = accounts.revision,
    }
}

pub(crate) async fn seen_challenge(c: &mut Conn, token: Digest) -> Answer<Option<SeenChallenge>> {
    let found = challenges::table
        .inner_join(accounts::table.on(accounts::id.eq(challenges::account)))
        .filter(challenges::token.eq(b(&token)))
        .select((
            challenges::id,
            challenges::address,
            challenges::expires_at,
            challenges::answered_at,
            accounts::id,
            accounts::status,
            accounts::purge_at,
            accounts::revision,
        ))
        .get_result::<ChallengeRow>(c)
        .await
        .optional()?;
    Ok(found.map(|row| SeenChallenge {
        id: row.id,
        account: row.account,
        status: row.status,
        purge_at: row.purge_at,
        revision: row.revision,
        address: row.address,
        expires_at: row.expires_at,
        answered: row.answered_at.is_some(),
    }))
}

/// Those of the account that nobody can answer any more go with the next one: no sweeper is needed for them.
pub(super) async fn insert(c: &mut Conn, new: &NewChallenge) -> Answer<()> {
    let over = challenges::expires_at.le(b(&new.created_at)).or(challenges::answered_at.is_not_null());
    dsl::delete(challenges::table.filter(challenges::account.eq(b(&new.account))).filter(over)).execute(c).await?;
    dsl::insert_into(challenges::table)
        .values((
            challenges::id.eq(b(&new.id)),
            challenges::account.eq(b(&new.account)),
            challenges::token.eq(b(&new.token)),
            challenges::address.eq(b(&new.address)),
            challenges::created_at.eq(b(&new.created_at)),
            challenges::expires_at.eq(b(&new.expires_at)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

/// Answers a challenge that nobody has answered, or `Stale`.
pub(super) async fn answer(c: &mut Conn, challenge: ChallengeId, at: Timestamp) -> Answer<()> {
    let answered = update(challenges::table.find(b(&challenge)).filter(challenges::answered_at.is_null()))
        .set(challenges::answered_at.eq(b(&Some(at))))
        .execute(c)
        .await?;
    Fault::unless_one(answered)
}

pub(super) async fn forget_all(c: &mut Conn, account: AccountId) -> Answer<()> {
    dsl::delete(challenges::table.filter(challenges::account.eq(b(&account)))).execute(c).await?;
    Ok(())
}
