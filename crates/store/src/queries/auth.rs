use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::AccountStatus,
    auth::{PasswordHash, Registration, SeenLink, SeenSignIn, SignIn, SignInStore, Verification},
    change::{CommitError, Revision, StoreError},
    email::Email,
    id::{AccountId, LinkId},
    mail::OptionalMail,
    secret::Digest,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault, link, web_session};
use crate::{
    rows::seen,
    schema::{accounts, declined_mails, links, teams},
    types::b,
};

#[async_trait]
impl SignInStore for Store {
    #[instrument(level = "debug", name = "db.sign_in.seen", skip_all)]
    async fn seen_sign_in(&self, email: &Email) -> Result<Option<SeenSignIn>, StoreError> {
        let email = email.clone();
        self.read(move |c| seen_sign_in(c, email).boxed()).await
    }

    #[instrument(level = "debug", name = "db.link.seen", skip_all)]
    async fn seen_link(&self, token: &Digest) -> Result<Option<SeenLink>, StoreError> {
        let token = *token;
        self.read(move |c| seen_link(c, token).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_registration", skip_all)]
    async fn commit_registration(&self, it: &Registration) -> Result<(), CommitError> {
        self.commit(it, |c, it| registration(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_verification", skip_all)]
    async fn commit_verification(&self, it: &Verification) -> Result<(), CommitError> {
        self.commit(it, |c, it| verification(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.web_session.commit_sign_in", skip_all)]
    async fn commit_sign_in(&self, it: &SignIn) -> Result<(), CommitError> {
        self.commit(it, |c, it| web_session::insert(c, &it.session).boxed()).await
    }
}

seen! {
    struct SignInRow {
        account: AccountId = accounts.id,
        email: Email = accounts.email,
        status: AccountStatus = accounts.status,
        verified_at: Option<Timestamp> = accounts.email_verified_at,
        password: PasswordHash = accounts.password_hash,
        revision: Revision = accounts.revision,
    }

    struct LinkRow {
        id: LinkId = links.id,
        expires_at: Timestamp = links.expires_at,
        used_at: Option<Timestamp> = links.used_at,
        voided_at: Option<Timestamp> = links.voided_at,
        account: AccountId = accounts.id,
        email: Email = accounts.email,
        status: AccountStatus = accounts.status,
        revision: Revision = accounts.revision,
        declined: Option<OptionalMail> = declined_mails.mail,
    }
}

pub(crate) async fn seen_sign_in(c: &mut Conn, email: Email) -> Answer<Option<SeenSignIn>> {
    let found = accounts::table
        .filter(accounts::email.eq(b(&email)))
        .select((
            accounts::id,
            accounts::email,
            accounts::status,
            accounts::email_verified_at,
            accounts::password_hash,
            accounts::revision,
        ))
        .get_result::<SignInRow>(c)
        .await
        .optional()?;
    Ok(found.map(|row| SeenSignIn {
        account: row.account,
        email: row.email,
        status: row.status,
        email_verified: row.verified_at.is_some(),
        password: row.password,
        revision: row.revision,
    }))
}

pub(crate) async fn seen_link(c: &mut Conn, token: Digest) -> Answer<Option<SeenLink>> {
    let declined =
        declined_mails::account.eq(accounts::id).and(declined_mails::mail.eq(b(&OptionalMail::SignupWelcome)));
    let found = links::table
        .inner_join(accounts::table.on(accounts::id.eq(links::account)))
        .left_join(declined_mails::table.on(declined))
        .filter(links::token.eq(b(&token)))
        .select((
            links::id,
            links::expires_at,
            links::used_at,
            links::voided_at,
            accounts::id,
            accounts::email,
            accounts::status,
            accounts::revision,
            declined_mails::mail.nullable(),
        ))
        .get_result::<LinkRow>(c)
        .await
        .optional()?;
    Ok(found.map(|row| SeenLink {
        id: row.id,
        account: row.account,
        email: row.email,
        status: row.status,
        revision: row.revision,
        expires_at: row.expires_at,
        spent: row.used_at.is_some() || row.voided_at.is_some(),
        wants_welcome: row.declined.is_none(),
    }))
}

async fn registration(c: &mut Conn, it: &Registration) -> Answer<()> {
    dsl::insert_into(accounts::table)
        .values((
            &it.account,
            accounts::staff.eq(it.staff),
            accounts::password_hash.eq(b(&it.password)),
            accounts::email_verified_at.eq(b(&it.verified_at)),
        ))
        .execute(c)
        .await?;
    dsl::insert_into(teams::table).values(&it.team).execute(c).await?;
    if let Some(new) = &it.link {
        link::insert(c, new).await?;
    }
    Ok(())
}

async fn verification(c: &mut Conn, it: &Verification) -> Answer<()> {
    let unspent = links::used_at.is_null().and(links::voided_at.is_null());
    let used = dsl::update(links::table.find(b(&it.link)).filter(unspent))
        .set(links::used_at.eq(b(&Some(it.at))))
        .execute(c)
        .await?;
    Fault::unless_one(used)?;
    // An address that was verified before stays verified since then: no row, no harm.
    let account = accounts::table.find(b(&it.session.account));
    dsl::update(account.filter(accounts::email_verified_at.is_null()))
        .set((accounts::email_verified_at.eq(b(&Some(it.at))), accounts::updated_at.eq(b(&it.at))))
        .execute(c)
        .await?;
    web_session::insert(c, &it.session).await
}
