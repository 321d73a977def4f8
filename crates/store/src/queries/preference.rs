use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    change::{CommitError, StoreError},
    id::AccountId,
    mail::{MailPreference, OptionalMail, PreferenceChange, PreferenceStore},
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn};
use crate::{rows::seen, schema::declined_mails, types::b};

#[async_trait]
impl PreferenceStore for Store {
    #[instrument(level = "debug", name = "db.preference.declined", skip_all)]
    async fn declined(&self, account: AccountId) -> Result<Vec<OptionalMail>, StoreError> {
        self.read(move |c| declined(c, account).boxed()).await
    }

    #[instrument(level = "debug", name = "db.preference.commit", skip_all)]
    async fn commit_preference(&self, it: &PreferenceChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| wish(c, it.account, it.preference).boxed()).await
    }
}

seen! {
    struct Declined {
        mail: OptionalMail = declined_mails.mail,
    }
}

async fn declined(c: &mut Conn, account: AccountId) -> Answer<Vec<OptionalMail>> {
    let rows = declined_mails::table
        .filter(declined_mails::account.eq(b(&account)))
        .select((declined_mails::mail,))
        .load::<Declined>(c)
        .await?;
    Ok(rows.into_iter().map(|row| row.mail).collect())
}

/// Saying the same thing twice is saying it once.
pub(super) async fn wish(c: &mut Conn, account: AccountId, it: MailPreference) -> Answer<()> {
    let (account, mail) = (b(&account), b(&it.mail));
    if it.opted_in {
        dsl::delete(declined_mails::table.find((account, mail))).execute(c).await?;
    } else {
        dsl::insert_into(declined_mails::table)
            .values((declined_mails::account.eq(account), declined_mails::mail.eq(mail)))
            .on_conflict_do_nothing()
            .execute(c)
            .await?;
    }
    Ok(())
}
