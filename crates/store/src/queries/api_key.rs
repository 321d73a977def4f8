use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    api_key::{ApiKey, ApiKeyStore, KeyRevocation, Minting, Rotation},
    change::{CommitError, StoreError},
    id::{AccountId, ApiKeyId},
    page::{Page, PageRequest, Position},
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{
    super::Store,
    Answer, Conn, Fault,
    page::{below_id, rows_to_fetch},
};
use crate::{
    cached::update,
    rows::{InTable, Row, seen},
    schema::api_keys,
    types::{Bound, b},
};

#[async_trait]
impl ApiKeyStore for Store {
    #[instrument(level = "debug", name = "db.api_key.page", skip_all)]
    async fn keys(&self, account: AccountId, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        self.read(move |c| keys(c, account, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.api_key.seen", skip_all)]
    async fn seen_key(&self, account: AccountId, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        self.read(move |c| seen_key(c, account, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.api_key.commit_minting", skip_all)]
    async fn commit_minting(&self, it: &Minting) -> Result<(), CommitError> {
        self.commit(it, |c, it| insert(c, &it.key).boxed()).await
    }

    #[instrument(level = "debug", name = "db.api_key.commit_rotation", skip_all)]
    async fn commit_rotation(&self, it: &Rotation) -> Result<(), CommitError> {
        self.commit(it, |c, it| rotation(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.api_key.commit_revocation", skip_all)]
    async fn commit_key_revocation(&self, it: &KeyRevocation) -> Result<(), CommitError> {
        self.commit(it, |c, it| revoke(c, std::slice::from_ref(&it.key), it.at).boxed()).await
    }
}

seen! {
    struct KeyRow {
        id: ApiKeyId = api_keys.id,
    }
}

pub(crate) async fn keys(c: &mut Conn, account: AccountId, page: PageRequest) -> Answer<Page<ApiKey>> {
    let rows = api_keys::table
        .filter(api_keys::account.eq(b(&account)))
        .filter(api_keys::id.lt(below_id(&page)))
        .order(api_keys::id.desc())
        .limit(rows_to_fetch(&page))
        .select(ApiKey::COLUMNS)
        .load::<Row<ApiKey>>(c)
        .await?;
    let keys = rows.into_iter().map(Row::into_inner).collect();
    Ok(page.page(keys, |key| Position(key.id.uuid().as_u128())))
}

/// The keys on an account that are not revoked, in whosever hands.
#[dsl::auto_type(no_type_alias)]
fn live(account: AccountId) -> _ {
    let on_account: dsl::Eq<api_keys::account, Bound<AccountId>> = api_keys::account.eq(b(&account));
    api_keys::table.filter(on_account).filter(api_keys::revoked_at.is_null())
}

pub(crate) async fn unrevoked(c: &mut Conn, account: AccountId) -> Answer<Vec<ApiKeyId>> {
    let rows = live(account).order(api_keys::id).select((api_keys::id,)).load::<KeyRow>(c).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

pub(crate) async fn count_working(c: &mut Conn, account: AccountId, at: Timestamp) -> Answer<i64> {
    let expires_later = api_keys::expires_at.is_null().or(api_keys::expires_at.gt(b(&Some(at))).assume_not_null());
    Ok(live(account).filter(expires_later).count().get_result(c).await?)
}

/// Those of an account, if there are so many.
pub(super) async fn revoke_all(c: &mut Conn, account: AccountId, number: usize, at: Timestamp) -> Answer<()> {
    let revoked = update(live(account)).set(api_keys::revoked_at.eq(b(&Some(at)))).execute(c).await?;
    Fault::unless_all(revoked, number)
}

async fn seen_key(c: &mut Conn, account: AccountId, id: ApiKeyId) -> Answer<Option<ApiKey>> {
    let found = api_keys::table
        .find(b(&id))
        .filter(api_keys::account.eq(b(&account)))
        .select(ApiKey::COLUMNS)
        .get_result::<Row<ApiKey>>(c)
        .await
        .optional()?;
    Ok(found.map(Row::into_inner))
}

pub(super) async fn insert(c: &mut Conn, key: &ApiKey) -> Answer<()> {
    dsl::insert_into(api_keys::table).values(key).execute(c).await?;
    Ok(())
}

async fn rotation(c: &mut Conn, it: &Rotation) -> Answer<()> {
    let shortened = update(api_keys::table.find(b(&it.old)).filter(api_keys::revoked_at.is_null()))
        .set(api_keys::expires_at.eq(b(&Some(it.old_expires_at))))
        .execute(c)
        .await?;
    Fault::unless_one(shortened)?;
    insert(c, &it.successor).await
}

/// Every one of the keys, or `Stale`.
pub(super) async fn revoke(c: &mut Conn, keys: &[ApiKeyId], at: Timestamp) -> Answer<()> {
    // One statement each: its text does not depend on how many there are, so it is prepared once.
    for key in keys {
        let revoked = update(api_keys::table.find(b(key)).filter(api_keys::revoked_at.is_null()))
            .set(api_keys::revoked_at.eq(b(&Some(at))))
            .execute(c)
            .await?;
        Fault::unless_one(revoked)?;
    }
    Ok(())
}
