use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::AccountStatus,
    change::{CommitError, Revision, StoreError},
    email::Email,
    id::AccountId,
    mail::OptionalMail,
    staff::{OperatorKey, SeenAccount, StaffChange, StaffStore, TierChange},
    tier::Tier,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault, api_key};
use crate::{
    rows::seen,
    schema::{accounts, declined_mails},
    types::b,
};

#[async_trait]
impl StaffStore for Store {
    #[instrument(level = "debug", name = "db.account.by_email", skip_all)]
    async fn account_by_email(&self, email: &Email) -> Result<Option<SeenAccount>, StoreError> {
        let email = email.clone();
        self.read(move |c| by_email(c, email).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_tier", skip_all)]
    async fn commit_tier(&self, it: &TierChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| tier(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_staff", skip_all)]
    async fn commit_staff(&self, it: &StaffChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| staff(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.api_key.commit_operator_key", skip_all)]
    async fn commit_operator_key(&self, it: &OperatorKey) -> Result<(), CommitError> {
        self.commit(it, |c, it| api_key::insert(c, &it.key).boxed()).await
    }
}

seen! {
    struct AccountRow {
        id: AccountId = accounts.id,
        email: Email = accounts.email,
        tier: Tier = accounts.tier,
        staff: bool = accounts.staff,
        revision: Revision = accounts.revision,
        declined: Option<OptionalMail> = declined_mails.mail,
    }
}

async fn by_email(c: &mut Conn, email: Email) -> Answer<Option<SeenAccount>> {
    let declined = declined_mails::account.eq(accounts::id).and(declined_mails::mail.eq(b(&OptionalMail::TierChanged)));
    let found = accounts::table
        .left_join(declined_mails::table.on(declined))
        .filter(accounts::email.eq(b(&email)))
        .filter(accounts::status.ne(b(&AccountStatus::Deleted)))
        .select((
            accounts::id,
            accounts::email,
            accounts::tier,
            accounts::staff,
            accounts::revision,
            declined_mails::mail.nullable(),
        ))
        .get_result::<AccountRow>(c)
        .await
        .optional()?;
    Ok(found.map(|row| SeenAccount {
        id: row.id,
        email: row.email,
        tier: row.tier,
        staff: row.staff,
        revision: row.revision,
        wants_tier_mail: row.declined.is_none(),
    }))
}

async fn tier(c: &mut Conn, it: &TierChange) -> Answer<()> {
    let changed = dsl::update(accounts::table.find(b(&it.account)))
        .set((accounts::tier.eq(b(&it.tier)), accounts::updated_at.eq(b(&it.at))))
        .execute(c)
        .await?;
    Fault::unless_one(changed)
}

async fn staff(c: &mut Conn, it: &StaffChange) -> Answer<()> {
    let changed = dsl::update(accounts::table.find(b(&it.account)))
        .set((accounts::staff.eq(it.staff), accounts::updated_at.eq(b(&it.at))))
        .execute(c)
        .await?;
    Fault::unless_one(changed)
}
