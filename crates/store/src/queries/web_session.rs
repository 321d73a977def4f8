use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::AccountStatus,
    change::{CommitError, Revision, StoreError},
    id::{AccountId, WebSessionId},
    page::{Page, PageRequest, Position},
    time::Timestamp,
    web_session::{
        Agent, LiveSession, OtherSessionsEnd, SeenSession, SessionEnd, SessionRenewal, WebSession, WebSessionStore,
    },
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
    rows::seen,
    schema::{accounts, web_sessions},
    types::b,
};

#[async_trait]
impl WebSessionStore for Store {
    #[instrument(level = "debug", name = "db.web_session.seen", skip_all)]
    async fn seen_session(&self, id: WebSessionId) -> Result<Option<SeenSession>, StoreError> {
        self.read(move |c| seen_session(c, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.web_session.commit_renewal", skip_all)]
    async fn commit_renewal(&self, it: &SessionRenewal) -> Result<(), CommitError> {
        let it = it.clone();
        Ok(self.write(move |c| renewal(c, it).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.web_session.commit_end", skip_all)]
    async fn commit_end(&self, it: &SessionEnd) -> Result<(), CommitError> {
        self.commit(it, |c, it| end(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.web_session.page", skip_all)]
    async fn live_sessions(
        &self,
        account: AccountId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<LiveSession>, StoreError> {
        self.read(move |c| live_sessions(c, account, now, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.web_session.count_others", skip_all)]
    async fn count_others(&self, account: AccountId, kept: WebSessionId, now: Timestamp) -> Result<u32, StoreError> {
        self.read(move |c| count_others(c, account, kept, now).boxed()).await
    }

    #[instrument(level = "debug", name = "db.web_session.commit_others_end", skip_all)]
    async fn commit_others_end(&self, it: &OtherSessionsEnd) -> Result<(), CommitError> {
        self.commit(it, |c, it| others_end(c, it).boxed()).await
    }
}

seen! {
    struct SessionRow {
        id: WebSessionId = web_sessions.id,
        generation: i32 = web_sessions.generation,
        expires_at: Timestamp = web_sessions.expires_at,
        ended_at: Option<Timestamp> = web_sessions.ended_at,
        account: AccountId = accounts.id,
        status: AccountStatus = accounts.status,
        revision: Revision = accounts.revision,
    }

    struct LiveRow {
        id: WebSessionId = web_sessions.id,
        os: String = web_sessions.os,
        browser: String = web_sessions.browser,
        created_at: Timestamp = web_sessions.created_at,
        expires_at: Timestamp = web_sessions.expires_at,
        last_used_at: Option<Timestamp> = web_sessions.last_used_at,
    }
}

async fn seen_session(c: &mut Conn, id: WebSessionId) -> Answer<Option<SeenSession>> {
    let found = web_sessions::table
        .inner_join(accounts::table.on(accounts::id.eq(web_sessions::account)))
        .filter(web_sessions::id.eq(b(&id)))
        .select((
            web_sessions::id,
            web_sessions::generation,
            web_sessions::expires_at,
            web_sessions::ended_at,
            accounts::id,
            accounts::status,
            accounts::revision,
        ))
        .get_result::<SessionRow>(c)
        .await
        .optional()?;
    Ok(found.map(|row| SeenSession {
        id: row.id,
        account: row.account,
        status: row.status,
        revision: row.revision,
        generation: row.generation,
        expires_at: row.expires_at,
        ended_at: row.ended_at,
    }))
}

/// The one commit without a change: what it decided on is all in the row, and so in the `WHERE`.
async fn renewal(c: &mut Conn, it: SessionRenewal) -> Answer<()> {
    let live = web_sessions::ended_at.is_null().and(web_sessions::expires_at.gt(b(&it.at)));
    let same = web_sessions::generation.eq(it.from_generation);
    let renewed = update(web_sessions::table.find(b(&it.session)).filter(live).filter(same))
        .set((
            web_sessions::generation.eq(it.to_generation),
            web_sessions::expires_at.eq(b(&it.expires_at)),
            web_sessions::last_used_at.eq(b(&Some(it.at))),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(renewed)
}

async fn end(c: &mut Conn, it: &SessionEnd) -> Answer<()> {
    let ended = update(web_sessions::table.find(b(&it.session)).filter(web_sessions::ended_at.is_null()))
        .set(web_sessions::ended_at.eq(b(&Some(it.at))))
        .execute(c)
        .await?;
    Fault::unless_one(ended)
}

pub(super) async fn insert(c: &mut Conn, session: &WebSession) -> Answer<()> {
    dsl::insert_into(web_sessions::table)
        .values((
            web_sessions::id.eq(b(&session.id)),
            web_sessions::account.eq(b(&session.account)),
            web_sessions::generation.eq(session.generation),
            web_sessions::os.eq(b(&session.agent.os)),
            web_sessions::browser.eq(b(&session.agent.browser)),
            web_sessions::created_at.eq(b(&session.created_at)),
            web_sessions::expires_at.eq(b(&session.expires_at)),
            web_sessions::proven_at.eq(b(&session.proven_at)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn live_sessions(
    c: &mut Conn,
    account: AccountId,
    now: Timestamp,
    page: PageRequest,
) -> Answer<Page<LiveSession>> {
    let rows = web_sessions::table
        .filter(web_sessions::account.eq(b(&account)))
        .filter(web_sessions::ended_at.is_null().and(web_sessions::expires_at.gt(b(&now))))
        .filter(web_sessions::id.lt(below_id(&page)))
        .order(web_sessions::id.desc())
        .limit(rows_to_fetch(&page))
        .select((
            web_sessions::id,
            web_sessions::os,
            web_sessions::browser,
            web_sessions::created_at,
            web_sessions::expires_at,
            web_sessions::last_used_at,
        ))
        .load::<LiveRow>(c)
        .await?;
    let sessions = rows.into_iter().map(LiveRow::session).collect();
    Ok(page.page(sessions, |session| Position(session.id.uuid().as_u128())))
}

impl LiveRow {
    fn session(self) -> LiveSession {
        LiveSession {
            id: self.id,
            agent: Agent { os: self.os, browser: self.browser },
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
        }
    }
}

async fn count_others(c: &mut Conn, account: AccountId, kept: WebSessionId, now: Timestamp) -> Answer<u32> {
    let live = web_sessions::ended_at.is_null().and(web_sessions::expires_at.gt(b(&now)));
    let others = web_sessions::account.eq(b(&account)).and(web_sessions::id.ne(b(&kept)));
    let count: i64 = web_sessions::table.filter(others).filter(live).count().get_result(c).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

async fn others_end(c: &mut Conn, it: &OtherSessionsEnd) -> Answer<()> {
    let live = web_sessions::ended_at.is_null().and(web_sessions::expires_at.gt(b(&it.at)));
    let others = web_sessions::account.eq(b(&it.account)).and(web_sessions::id.ne(b(&it.kept)));
    let ended = update(web_sessions::table.filter(others).filter(live))
        .set(web_sessions::ended_at.eq(b(&Some(it.at))))
        .execute(c)
        .await?;
    if u32::try_from(ended) == Ok(it.others) { Ok(()) } else { Err(Fault::Stale) }
}

/// However many there are.
pub(super) async fn end_all(c: &mut Conn, account: AccountId, at: Timestamp) -> Answer<()> {
    let live = web_sessions::account.eq(b(&account)).and(web_sessions::ended_at.is_null());
    update(web_sessions::table.filter(live)).set(web_sessions::ended_at.eq(b(&Some(at)))).execute(c).await?;
    Ok(())
}

/// What was proven before counts no more.
pub(super) async fn disprove_all(c: &mut Conn, account: AccountId) -> Answer<()> {
    let proven = web_sessions::account.eq(b(&account)).and(web_sessions::proven_at.is_not_null());
    update(web_sessions::table.filter(proven))
        .set(web_sessions::proven_at.eq(b(&None::<Timestamp>)))
        .execute(c)
        .await?;
    Ok(())
}

/// Notes a proof at a live session, or `Stale`.
pub(super) async fn prove(c: &mut Conn, session: WebSessionId, at: Timestamp) -> Answer<()> {
    let live = web_sessions::table.find(b(&session)).filter(web_sessions::ended_at.is_null());
    let proven = update(live).set(web_sessions::proven_at.eq(b(&Some(at)))).execute(c).await?;
    Fault::unless_one(proven)
}
