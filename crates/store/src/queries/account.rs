use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::{Account, AccountStore, OwnAccount, ProfileChange},
    change::{CommitError, StoreError},
    id::AccountId,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault, membership};
use crate::{
    rows::{InTable, Row, seen},
    schema::{accounts, factors},
    types::b,
};

#[async_trait]
impl AccountStore for Store {
    #[instrument(level = "debug", name = "db.account.own", skip_all)]
    async fn own_account(&self, id: AccountId) -> Result<Option<OwnAccount>, StoreError> {
        self.read(move |c| own_account(c, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_profile", skip_all)]
    async fn commit_profile(&self, it: &ProfileChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| profile(c, &it.account).boxed()).await
    }
}

seen! {
    struct Second {
        enrolled_at: Option<Timestamp> = factors.enrolled_at,
    }
}

pub(crate) async fn own_account(c: &mut Conn, id: AccountId) -> Answer<Option<OwnAccount>> {
    let found = accounts::table
        .left_join(factors::table.on(factors::account.eq(accounts::id)))
        .filter(accounts::id.eq(b(&id)))
        .select((Account::COLUMNS, (factors::enrolled_at.nullable(),)))
        .first::<(Row<Account>, Second)>(c)
        .await
        .optional()?;
    let Some((account, second)) = found else { return Ok(None) };
    let teams = membership::all_owners(c, id).await?;
    let mfa_enrolled = second.enrolled_at.is_some();
    Ok(Some(OwnAccount { account: account.into_inner(), mfa_enrolled, teams }))
}

/// What the holder may change. The rest (status, tier, address) is somebody else's.
async fn profile(c: &mut Conn, account: &Account) -> Answer<()> {
    let changed = dsl::update(accounts::table.find(b(&account.id)))
        .set((
            accounts::name.eq(b(&account.name)),
            accounts::time_zone.eq(b(&account.time_zone)),
            accounts::slug.eq(b(&account.slug)),
            accounts::region.eq(b(&account.region)),
            accounts::onboarding_completed_at.eq(b(&account.onboarding_completed_at)),
            accounts::updated_at.eq(b(&account.updated_at)),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(changed)
}
