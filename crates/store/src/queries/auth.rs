use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::AccountStatus,
    auth::{
        AddressProof, ChallengeAnswer, EmailChange, Entrance, LinkKind, LinkSignIn, PasswordHash, PasswordReset,
        Registration, SeenChallenge, SeenLink, SeenSignIn, SignIn, SignInStore, StepUp, Verification,
    },
    change::{CommitError, Revision, StoreError},
    email::Email,
    id::{AccountId, LinkId},
    mail::OptionalMail,
    secret::Digest,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault, challenge, ending, link, mfa, web_session};
use crate::{
    cached::update,
    rows::seen,
    schema::{accounts, declined_mails, factors, links, teams},
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
        self.commit(it, |c, it| enter(c, &it.entrance).boxed()).await
    }

    #[instrument(level = "debug", name = "db.sign_in.seen_holder", skip_all)]
    async fn seen_holder(&self, account: AccountId) -> Result<Option<SeenSignIn>, StoreError> {
        self.read(move |c| seen_holder(c, account).boxed()).await
    }

    #[instrument(level = "debug", name = "db.link.commit_sign_in", skip_all)]
    async fn commit_link_sign_in(&self, it: &LinkSignIn) -> Result<(), CommitError> {
        self.commit(it, |c, it| link_sign_in(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_password_reset", skip_all)]
    async fn commit_password_reset(&self, it: &PasswordReset) -> Result<(), CommitError> {
        self.commit(it, |c, it| password_reset(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_email_change", skip_all)]
    async fn commit_email_change(&self, it: &EmailChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| email_change(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.challenge.seen", skip_all)]
    async fn seen_challenge(&self, token: &Digest) -> Result<Option<SeenChallenge>, StoreError> {
        let token = *token;
        self.read(move |c| challenge::seen_challenge(c, token).boxed()).await
    }

    #[instrument(level = "debug", name = "db.challenge.commit_answer", skip_all)]
    async fn commit_challenge_answer(&self, it: &ChallengeAnswer) -> Result<(), CommitError> {
        self.commit(it, |c, it| challenge_answer(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.web_session.commit_step_up", skip_all)]
    async fn commit_step_up(&self, it: &StepUp) -> Result<(), CommitError> {
        self.commit(it, |c, it| step_up(c, it).boxed()).await
    }
}

seen! {
    struct SignInRow {
        account: AccountId = accounts.id,
        email: Email = accounts.email,
        status: AccountStatus = accounts.status,
        purge_at: Option<Timestamp> = accounts.purge_at,
        verified_at: Option<Timestamp> = accounts.email_verified_at,
        password: PasswordHash = accounts.password_hash,
        revision: Revision = accounts.revision,
        factor: Option<Timestamp> = factors.enrolled_at,
    }

    struct LinkRow {
        id: LinkId = links.id,
        kind: LinkKind = links.kind,
        expires_at: Timestamp = links.expires_at,
        used_at: Option<Timestamp> = links.used_at,
        voided_at: Option<Timestamp> = links.voided_at,
        new_email: Option<Email> = links.new_email,
        account: AccountId = accounts.id,
        email: Email = accounts.email,
        verified_at: Option<Timestamp> = accounts.email_verified_at,
        status: AccountStatus = accounts.status,
        purge_at: Option<Timestamp> = accounts.purge_at,
        revision: Revision = accounts.revision,
        declined: Option<OptionalMail> = declined_mails.mail,
        factor: Option<Timestamp> = factors.enrolled_at,
    }
}

/// What a sign-in is decided on, of one account.
macro_rules! sign_in_row {
    ($c:ident, $which:expr) => {
        accounts::table
            .left_join(factors::table.on(factors::account.eq(accounts::id)))
            .filter($which)
            .select((
                accounts::id,
                accounts::email,
                accounts::status,
                accounts::purge_at,
                accounts::email_verified_at,
                accounts::password_hash,
                accounts::revision,
                factors::enrolled_at.nullable(),
            ))
            .get_result::<SignInRow>($c)
            .await
            .optional()?
            .map(SignInRow::seen)
    };
}

pub(crate) async fn seen_sign_in(c: &mut Conn, email: Email) -> Answer<Option<SeenSignIn>> {
    Ok(sign_in_row!(c, accounts::email.eq(b(&email))))
}

async fn seen_holder(c: &mut Conn, account: AccountId) -> Answer<Option<SeenSignIn>> {
    Ok(sign_in_row!(c, accounts::id.eq(b(&account))))
}

impl SignInRow {
    fn seen(self) -> SeenSignIn {
        SeenSignIn {
            account: self.account,
            email: self.email,
            status: self.status,
            purge_at: self.purge_at,
            email_verified: self.verified_at.is_some(),
            password: self.password,
            has_factor: self.factor.is_some(),
            revision: self.revision,
        }
    }
}

pub(crate) async fn seen_link(c: &mut Conn, token: Digest) -> Answer<Option<SeenLink>> {
    let declined =
        declined_mails::account.eq(accounts::id).and(declined_mails::mail.eq(b(&OptionalMail::SignupWelcome)));
    let found = links::table
        .inner_join(accounts::table.on(accounts::id.eq(links::account)))
        .left_join(declined_mails::table.on(declined))
        .left_join(factors::table.on(factors::account.eq(accounts::id)))
        .filter(links::token.eq(b(&token)))
        .select((
            links::id,
            links::kind,
            links::expires_at,
            links::used_at,
            links::voided_at,
            links::new_email,
            accounts::id,
            accounts::email,
            accounts::email_verified_at,
            accounts::status,
            accounts::purge_at,
            accounts::revision,
            declined_mails::mail.nullable(),
            factors::enrolled_at.nullable(),
        ))
        .get_result::<LinkRow>(c)
        .await
        .optional()?;
    Ok(found.map(|row| SeenLink {
        id: row.id,
        kind: row.kind,
        account: row.account,
        email: row.email,
        verified_at: row.verified_at,
        status: row.status,
        purge_at: row.purge_at,
        revision: row.revision,
        expires_at: row.expires_at,
        spent: row.used_at.is_some() || row.voided_at.is_some(),
        new_email: row.new_email,
        wants_welcome: row.declined.is_none(),
        has_factor: row.factor.is_some(),
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

/// Stores what a sign-in begins.
async fn enter(c: &mut Conn, entrance: &Entrance) -> Answer<()> {
    match entrance {
        Entrance::Session(session) => web_session::insert(c, session).await,
        Entrance::Return(session) => {
            ending::restore(c, session.account, session.created_at).await?;
            web_session::insert(c, session).await
        }
        Entrance::Challenge(new) => challenge::insert(c, new).await,
    }
}

async fn verification(c: &mut Conn, it: &Verification) -> Answer<()> {
    link::spend(c, it.link, it.at).await?;
    verify(c, it.session.account, it.at).await?;
    web_session::insert(c, &it.session).await
}

/// An address that was verified before stays verified since then: no row, no harm.
async fn verify(c: &mut Conn, account: AccountId, at: Timestamp) -> Answer<()> {
    update(accounts::table.find(b(&account)).filter(accounts::email_verified_at.is_null()))
        .set((accounts::email_verified_at.eq(b(&Some(at))), accounts::updated_at.eq(b(&at))))
        .execute(c)
        .await?;
    Ok(())
}

async fn set_password(c: &mut Conn, account: AccountId, password: &PasswordHash, at: Timestamp) -> Answer<()> {
    update(accounts::table.find(b(&account)))
        .set((accounts::password_hash.eq(b(password)), accounts::updated_at.eq(b(&at))))
        .execute(c)
        .await?;
    Ok(())
}

async fn link_sign_in(c: &mut Conn, it: &LinkSignIn) -> Answer<()> {
    link::spend(c, it.link, it.at).await?;
    if let Some(proof) = &it.proof {
        prove_address(c, proof, it.at).await?;
    }
    enter(c, &it.entrance).await
}

async fn prove_address(c: &mut Conn, it: &AddressProof, at: Timestamp) -> Answer<()> {
    link::void(c, it.account, LinkKind::Verification, at).await?;
    verify(c, it.account, at).await?;
    set_password(c, it.account, &it.password, at).await
}

async fn password_reset(c: &mut Conn, it: &PasswordReset) -> Answer<()> {
    link::spend(c, it.link, it.at).await?;
    link::void_all(c, it.account, it.at).await?;
    verify(c, it.account, it.at).await?;
    set_password(c, it.account, &it.password, it.at).await?;
    web_session::end_all(c, it.account, it.at).await?;
    challenge::forget_all(c, it.account).await?;
    enter(c, &it.entrance).await
}

/// Who has the address is decided by its unique index.
async fn email_change(c: &mut Conn, it: &EmailChange) -> Answer<()> {
    link::spend(c, it.link, it.at).await?;
    link::void_all(c, it.account, it.at).await?;
    challenge::forget_all(c, it.account).await?;
    let moved = update(accounts::table.find(b(&it.account)))
        .set((
            accounts::email.eq(b(&it.email)),
            accounts::email_verified_at.eq(b(&Some(it.at))),
            accounts::updated_at.eq(b(&it.at)),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(moved)
}

async fn challenge_answer(c: &mut Conn, it: &ChallengeAnswer) -> Answer<()> {
    challenge::answer(c, it.challenge, it.used.at).await?;
    mfa::spend(c, &it.used).await?;
    if it.restores {
        ending::restore(c, it.session.account, it.session.created_at).await?;
    }
    web_session::insert(c, &it.session).await
}

async fn step_up(c: &mut Conn, it: &StepUp) -> Answer<()> {
    if let Some(used) = &it.used {
        mfa::spend(c, used).await?;
    }
    web_session::prove(c, it.session, it.at).await
}
