use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::AccountStatus,
    change::{CommitError, Revision, StoreError},
    id::{AccountId, WebSessionId},
    time::Timestamp,
    web_session::{SeenSession, SessionEnd, SessionRenewal, WebSession, WebSessionStore},
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault};
use crate::{
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
    let renewed = dsl::update(web_sessions::table.find(b(&it.session)).filter(live).filter(same))
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
    let ended = dsl::update(web_sessions::table.find(b(&it.session)).filter(web_sessions::ended_at.is_null()))
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
        ))
        .execute(c)
        .await?;
    Ok(())
}
