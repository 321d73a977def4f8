use async_trait::async_trait;
use diesel::{dsl, prelude::*, query_dsl::methods};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    change::StoreError,
    idempotency::{Claim, IdempotencyStore, KeptAnswer, SeenClaim},
    secret::{Digest, Sealed},
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault};
use crate::{
    cached::{Cached, update},
    rows::seen,
    schema::idempotency,
    types::b,
};

#[async_trait]
impl IdempotencyStore for Store {
    #[instrument(level = "debug", name = "db.idempotency.claim", skip_all)]
    async fn claim(&self, it: &Claim) -> Result<Option<SeenClaim>, StoreError> {
        let it = it.clone();
        Ok(self.write(move |c| claim(c, it).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.idempotency.give_up", skip_all)]
    async fn give_up(&self, it: &Claim) -> Result<(), StoreError> {
        let it = it.clone();
        Ok(self.write(move |c| give_up(c, it).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.idempotency.forget", skip_all)]
    async fn forget_answers(&self, now: Timestamp, limit: u16) -> Result<usize, StoreError> {
        Ok(self.write(move |c| forget(c, now, limit).boxed()).await?)
    }
}

seen! {
    struct ClaimRow {
        request: Digest = idempotency.request,
        answer: Option<Sealed> = idempotency.answer,
    }
}

/// One statement decides who gets the slot. It holds the row even where it leaves it as it is, so the row is still there to
/// be read.
async fn claim(c: &mut Conn, it: Claim) -> Answer<Option<SeenClaim>> {
    let row = (
        idempotency::holder.eq(b(&it.holder)),
        idempotency::request.eq(b(&it.request)),
        idempotency::leased_until.eq(b(&it.leased_until)),
        idempotency::expires_at.eq(b(&it.expires_at)),
        idempotency::answer.eq(b(&None::<Sealed>)),
    );
    let abandoned = idempotency::answer.is_null().and(idempotency::leased_until.le(b(&it.at)));
    let taken = dsl::insert_into(idempotency::table)
        .values((idempotency::slot.eq(b(&it.slot)), row.clone()))
        .on_conflict(idempotency::slot)
        .do_update()
        .set(row);
    let taken = methods::FilterDsl::filter(taken, idempotency::expires_at.le(b(&it.at)).or(abandoned));
    let taken = Cached(taken).execute(c).await?;
    if taken == 1 {
        return Ok(None);
    }
    let seen = idempotency::table.find(b(&it.slot)).select((idempotency::request, idempotency::answer));
    let seen: ClaimRow = seen.get_result(c).await?;
    Ok(Some(SeenClaim { request: seen.request, answer: seen.answer }))
}

async fn give_up(c: &mut Conn, it: Claim) -> Answer<()> {
    let mine = idempotency::table.find(b(&it.slot)).filter(idempotency::holder.eq(b(&it.holder)));
    dsl::delete(mine.filter(idempotency::answer.is_null())).execute(c).await?;
    Ok(())
}

async fn forget(c: &mut Conn, now: Timestamp, limit: u16) -> Answer<usize> {
    let old = diesel::alias!(idempotency as old);
    let (slot, expires_at) = (old.field(idempotency::slot), old.field(idempotency::expires_at));
    let oldest = old.filter(expires_at.le(b(&now))).order(expires_at).limit(i64::from(limit)).select(slot);
    // Asked again of the row itself: its slot may have been taken meanwhile.
    let expired = idempotency::table.filter(idempotency::expires_at.le(b(&now)));
    Ok(dsl::delete(expired.filter(idempotency::slot.eq_any(oldest))).execute(c).await?)
}

/// Keeps the answer beside the change that it tells of. Whoever has lost the claim meanwhile must not make that change.
pub(super) async fn keep(c: &mut Conn, it: &KeptAnswer) -> Answer<()> {
    let mine = idempotency::table.find(b(&it.slot)).filter(idempotency::holder.eq(b(&it.holder)));
    let kept = update(mine.filter(idempotency::answer.is_null()))
        .set(idempotency::answer.eq(b(&Some(it.answer.clone()))))
        .execute(c)
        .await?;
    Fault::unless_one(kept)
}
