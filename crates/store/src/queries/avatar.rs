use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    avatar::{AvatarChange, AvatarKey, AvatarStore, NotedUpload},
    change::{CommitError, StoreError},
    id::AccountId,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault, dialect};
use crate::{
    cached::update,
    rows::seen,
    schema::{accounts, avatars},
    types::b,
};

#[async_trait]
impl AvatarStore for Store {
    #[instrument(level = "debug", name = "db.avatar.note", skip_all)]
    async fn note_upload(&self, it: &NotedUpload) -> Result<(), StoreError> {
        let it = *it;
        Ok(self.write(move |c| note(c, it).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.avatar.seen", skip_all)]
    async fn seen_avatar(&self, account: AccountId) -> Result<Option<AvatarKey>, StoreError> {
        self.read(move |c| seen(c, account).boxed()).await
    }

    #[instrument(level = "debug", name = "db.avatar.commit", skip_all)]
    async fn commit_avatar(&self, it: &AvatarChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| change(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.avatar.claim", skip_all)]
    async fn claim_unworn(&self, now: Timestamp, until: Timestamp, limit: u16) -> Result<Vec<AvatarKey>, StoreError> {
        Ok(self.write(move |c| claim(c, now, until, limit).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.avatar.forget", skip_all)]
    async fn forget_picture(&self, key: AvatarKey) -> Result<(), StoreError> {
        Ok(self.write(move |c| forget(c, key).boxed()).await?)
    }
}

seen! {
    struct WornRow {
        avatar: Option<AvatarKey> = accounts.avatar,
    }

    struct KeyRow {
        key: AvatarKey = avatars.key,
    }
}

async fn note(c: &mut Conn, it: NotedUpload) -> Answer<()> {
    dsl::insert_into(avatars::table)
        .values((
            avatars::key.eq(b(&it.key)),
            avatars::account.eq(b(&it.account)),
            avatars::sweep_at.eq(b(&Some(it.sweep_at))),
        ))
        .execute(c)
        .await?;
    Ok(())
}

async fn seen(c: &mut Conn, account: AccountId) -> Answer<Option<AvatarKey>> {
    let found =
        accounts::table.find(b(&account)).select((accounts::avatar,)).get_result::<WornRow>(c).await.optional()?;
    Ok(found.and_then(|row| row.avatar))
}

/// The row of a picture says whether it is worn, and a claim moves that very row: so of a change and a sweep one comes first,
/// and the other finds out.
async fn change(c: &mut Conn, it: &AvatarChange) -> Answer<()> {
    if let Some(after) = it.after {
        let noted = avatars::table
            .find(b(&after))
            .filter(avatars::account.eq(b(&it.account)))
            .filter(avatars::sweep_at.is_not_null())
            .filter(avatars::sweeps.eq(0));
        let worn = update(noted).set(avatars::sweep_at.eq(b(&None::<Timestamp>))).execute(c).await?;
        Fault::unless_one(worn)?;
    }
    let account = accounts::table.find(b(&it.account));
    let points = (accounts::avatar.eq(b(&it.after)), accounts::updated_at.eq(b(&it.at)));
    let pointed = match it.before {
        Some(_) => update(account.filter(accounts::avatar.eq(b(&it.before)))).set(points).execute(c).await?,
        None => update(account.filter(accounts::avatar.is_null())).set(points).execute(c).await?,
    };
    Fault::unless_one(pointed)?;
    if let Some(before) = it.before {
        let worn = avatars::table.find(b(&before)).filter(avatars::sweep_at.is_null());
        let due = update(worn).set(avatars::sweep_at.eq(b(&Some(it.sweep_at)))).execute(c).await?;
        Fault::unless_one(due)?;
    }
    Ok(())
}

pub(crate) async fn claim(c: &mut Conn, now: Timestamp, until: Timestamp, limit: u16) -> Answer<Vec<AvatarKey>> {
    let due = dialect::due_avatars(c, now, i64::from(limit)).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    // Asks again whether each is due: where two may look at once, the slower one finds less.
    let claimed = update(avatars::table.filter(avatars::key.eq_any(due)).filter(avatars::sweep_at.le(b(&Some(now)))))
        .set((avatars::sweep_at.eq(b(&Some(until))), avatars::sweeps.eq(avatars::sweeps + 1)))
        .returning((avatars::key,))
        .load::<KeyRow>(c)
        .await?;
    let mut keys: Vec<AvatarKey> = claimed.into_iter().map(|row| row.key).collect();
    keys.sort_unstable();
    Ok(keys)
}

async fn forget(c: &mut Conn, key: AvatarKey) -> Answer<()> {
    dsl::delete(avatars::table.find(b(&key)).filter(avatars::sweeps.gt(0))).execute(c).await?;
    Ok(())
}
