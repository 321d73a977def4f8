use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    change::{CommitError, Revision, StoreError},
    email::Email,
    id::{AccountId, FactorId},
    mfa::{
        Enrolment, Factor, FactorActivation, FactorRemoval, FactorUse, MfaStore, Miss, NewRecoveryCodes, SeenEnrolment,
        SeenFactor, Spent, Tries,
    },
    secret::{Digest, Sealed},
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault, web_session};
use crate::{
    cached::update,
    rows::seen,
    schema::{accounts, factors, recovery_codes},
    types::b,
};

#[async_trait]
impl MfaStore for Store {
    #[instrument(level = "debug", name = "db.factor.seen_enrolment", skip_all)]
    async fn seen_enrolment(&self, account: AccountId) -> Result<SeenEnrolment, StoreError> {
        self.read(move |c| seen_enrolment(c, account).boxed()).await
    }

    #[instrument(level = "debug", name = "db.factor.seen", skip_all)]
    async fn seen_factor(&self, account: AccountId) -> Result<Option<SeenFactor>, StoreError> {
        self.read(move |c| seen_factor(c, account).boxed()).await
    }

    #[instrument(level = "debug", name = "db.factor.commit_enrolment", skip_all)]
    async fn commit_enrolment(&self, it: &Enrolment) -> Result<(), CommitError> {
        self.commit(it, |c, it| enrolment(c, &it.factor).boxed()).await
    }

    #[instrument(level = "debug", name = "db.factor.commit_activation", skip_all)]
    async fn commit_activation(&self, it: &FactorActivation) -> Result<(), CommitError> {
        self.commit(it, |c, it| activation(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.factor.commit_removal", skip_all)]
    async fn commit_factor_removal(&self, it: &FactorRemoval) -> Result<(), CommitError> {
        self.commit(it, |c, it| removal(c, it.factor).boxed()).await
    }

    #[instrument(level = "debug", name = "db.factor.commit_new_recovery_codes", skip_all)]
    async fn commit_new_recovery_codes(&self, it: &NewRecoveryCodes) -> Result<(), CommitError> {
        self.commit(it, |c, it| new_recovery_codes(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.factor.commit_miss", skip_all)]
    async fn commit_miss(&self, it: &Miss) -> Result<(), CommitError> {
        self.commit(it, |c, it| miss(c, it).boxed()).await
    }
}

seen! {
    struct FactorRow {
        id: FactorId = factors.id,
        account: AccountId = factors.account,
        secret: Sealed = factors.secret,
        created_at: Timestamp = factors.created_at,
        enrolled_at: Option<Timestamp> = factors.enrolled_at,
        last_step: Option<i64> = factors.last_step,
        last_used_at: Option<Timestamp> = factors.last_used_at,
        wrong: i32 = factors.wrong,
        wrong_since: Option<Timestamp> = factors.wrong_since,
        paused_until: Option<Timestamp> = factors.paused_until,
    }

    struct Holder {
        email: Email = accounts.email,
        revision: Revision = accounts.revision,
    }

    struct Code {
        digest: Digest = recovery_codes.digest,
    }
}

impl FactorRow {
    fn factor(self) -> Factor {
        let wrong = u32::try_from(self.wrong).unwrap_or(0);
        Factor {
            id: self.id,
            account: self.account,
            secret: self.secret,
            created_at: self.created_at,
            enrolled_at: self.enrolled_at,
            last_step: self.last_step,
            last_used_at: self.last_used_at,
            tries: Tries { wrong, since: self.wrong_since, paused_until: self.paused_until },
        }
    }
}

async fn holder(c: &mut Conn, account: AccountId) -> Answer<Holder> {
    let columns = (accounts::email, accounts::revision);
    Ok(accounts::table.find(b(&account)).select(columns).get_result::<Holder>(c).await?)
}

async fn factor(c: &mut Conn, account: AccountId) -> Answer<Option<Factor>> {
    let found = factors::table
        .filter(factors::account.eq(b(&account)))
        .select((
            factors::id,
            factors::account,
            factors::secret,
            factors::created_at,
            factors::enrolled_at,
            factors::last_step,
            factors::last_used_at,
            factors::wrong,
            factors::wrong_since,
            factors::paused_until,
        ))
        .get_result::<FactorRow>(c)
        .await
        .optional()?;
    Ok(found.map(FactorRow::factor))
}

async fn seen_enrolment(c: &mut Conn, account: AccountId) -> Answer<SeenEnrolment> {
    let Holder { email, .. } = holder(c, account).await?;
    Ok(SeenEnrolment { factor: factor(c, account).await?, email })
}

/// The revision first: it may be older than the facts, never newer.
async fn seen_factor(c: &mut Conn, account: AccountId) -> Answer<Option<SeenFactor>> {
    let Holder { email, revision } = holder(c, account).await?;
    let found = factor(c, account).await?.filter(|factor| factor.enrolled_at.is_some());
    let Some(factor) = found else { return Ok(None) };
    let recovery = recovery_codes::table
        .filter(recovery_codes::factor.eq(b(&factor.id)).and(recovery_codes::used_at.is_null()))
        .select((recovery_codes::digest,))
        .load::<Code>(c)
        .await?;
    let recovery = recovery.into_iter().map(|code| code.digest).collect();
    Ok(Some(SeenFactor { factor, recovery, email, revision }))
}

async fn enrolment(c: &mut Conn, factor: &Factor) -> Answer<()> {
    let waiting = factors::account.eq(b(&factor.account)).and(factors::enrolled_at.is_null());
    dsl::delete(factors::table.filter(waiting)).execute(c).await?;
    let inserted = dsl::insert_into(factors::table)
        .values((
            factors::id.eq(b(&factor.id)),
            factors::account.eq(b(&factor.account)),
            factors::secret.eq(b(&factor.secret)),
            factors::created_at.eq(b(&factor.created_at)),
        ))
        // One that is enrolled stays.
        .on_conflict(factors::account)
        .do_nothing()
        .execute(c)
        .await?;
    Fault::unless_one(inserted)
}

async fn activation(c: &mut Conn, it: &FactorActivation) -> Answer<()> {
    let waiting = factors::table.find(b(&it.factor)).filter(factors::enrolled_at.is_null());
    let activated = update(waiting)
        .set((factors::enrolled_at.eq(b(&Some(it.at))), factors::last_step.eq(Some(it.step))))
        .execute(c)
        .await?;
    Fault::unless_one(activated)?;
    insert_codes(c, it.factor, &it.recovery).await?;
    web_session::disprove_all(c, it.account).await?;
    web_session::prove(c, it.session, it.at).await
}

async fn insert_codes(c: &mut Conn, factor: FactorId, codes: &[Digest]) -> Answer<()> {
    // One statement each: its text does not depend on how many there are, so it is prepared once.
    for code in codes {
        dsl::insert_into(recovery_codes::table)
            .values((recovery_codes::factor.eq(b(&factor)), recovery_codes::digest.eq(b(code))))
            .execute(c)
            .await?;
    }
    Ok(())
}

async fn forget_codes(c: &mut Conn, factor: FactorId) -> Answer<()> {
    dsl::delete(recovery_codes::table.filter(recovery_codes::factor.eq(b(&factor)))).execute(c).await?;
    Ok(())
}

async fn removal(c: &mut Conn, factor: FactorId) -> Answer<()> {
    forget_codes(c, factor).await?;
    Fault::unless_one(dsl::delete(factors::table.find(b(&factor))).execute(c).await?)
}

async fn new_recovery_codes(c: &mut Conn, it: &NewRecoveryCodes) -> Answer<()> {
    let there = factors::table.find(b(&it.factor)).count().get_result::<i64>(c).await?;
    Fault::unless_one(usize::try_from(there).unwrap_or(0))?;
    forget_codes(c, it.factor).await?;
    insert_codes(c, it.factor, &it.recovery).await
}

async fn miss(c: &mut Conn, it: &Miss) -> Answer<()> {
    let count = |wrong: u32| i32::try_from(wrong).unwrap_or(i32::MAX);
    let counted = update(factors::table.find(b(&it.factor)).filter(factors::wrong.eq(count(it.seen.wrong))))
        .set((
            factors::wrong.eq(count(it.now.wrong)),
            factors::wrong_since.eq(b(&it.now.since)),
            factors::paused_until.eq(b(&it.now.paused_until)),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(counted)
}

/// What was right is not right again, or `Stale`; and nobody has been wrong any more.
pub(super) async fn spend(c: &mut Conn, used: &FactorUse) -> Answer<()> {
    match used.spent {
        Spent::Step(step) => spend_step(c, used.factor, step).await?,
        Spent::Recovery(code) => spend_code(c, used.factor, code, used.at).await?,
    }
    let noted = update(factors::table.find(b(&used.factor)))
        .set((
            factors::last_used_at.eq(b(&Some(used.at))),
            factors::wrong.eq(0),
            factors::wrong_since.eq(b(&None::<Timestamp>)),
            factors::paused_until.eq(b(&None::<Timestamp>)),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(noted)
}

async fn spend_step(c: &mut Conn, factor: FactorId, step: i64) -> Answer<()> {
    let older = factors::last_step.is_null().or(factors::last_step.lt(Some(step)));
    let spent = update(factors::table.find(b(&factor)).filter(older.assume_not_null()))
        .set(factors::last_step.eq(Some(step)))
        .execute(c)
        .await?;
    Fault::unless_one(spent)
}

async fn spend_code(c: &mut Conn, factor: FactorId, code: Digest, at: Timestamp) -> Answer<()> {
    let unused = recovery_codes::table.find((b(&factor), b(&code))).filter(recovery_codes::used_at.is_null());
    let spent = update(unused).set(recovery_codes::used_at.eq(b(&Some(at)))).execute(c).await?;
    Fault::unless_one(spent)
}
