use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    change::{CommitError, StoreError},
    id::{AccountId, SessionId},
    page::{Page, PageRequest, Position},
    session::{EndedSession, Session, SessionCreation, SessionDestruction, SessionStore},
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{
    super::Store,
    Answer, Conn, Fault,
    page::{below_id, rows_to_fetch},
    usage,
};
use crate::{
    cached::update,
    rows::{InTable, Row},
    schema::sessions,
    types::{Bound, b},
};

#[async_trait]
impl SessionStore for Store {
    #[instrument(level = "debug", name = "db.session.page", skip_all)]
    async fn sessions(&self, account: AccountId, page: PageRequest) -> Result<Page<Session>, StoreError> {
        self.read(move |c| sessions(c, account, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.session.one", skip_all)]
    async fn session(&self, account: AccountId, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.read(move |c| session(c, account, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.session.commit_creation", skip_all)]
    async fn commit_session_creation(&self, it: &SessionCreation) -> Result<(), CommitError> {
        self.commit(it, |c, it| insert(c, &it.session).boxed()).await
    }

    #[instrument(level = "debug", name = "db.session.commit_destruction", skip_all)]
    async fn commit_session_destruction(&self, it: &SessionDestruction) -> Result<(), CommitError> {
        self.commit(it, |c, it| end(c, &it.ended).boxed()).await
    }
}

pub(crate) async fn sessions(c: &mut Conn, account: AccountId, page: PageRequest) -> Answer<Page<Session>> {
    let rows = sessions::table
        .filter(sessions::account.eq(b(&account)))
        .filter(sessions::id.lt(below_id(&page)))
        .order(sessions::id.desc())
        .limit(rows_to_fetch(&page))
        .select(Session::COLUMNS)
        .load::<Row<Session>>(c)
        .await?;
    let found = rows.into_iter().map(Row::into_inner).collect();
    Ok(page.page(found, |it| Position(it.id.uuid().as_u128())))
}

pub(crate) async fn session(c: &mut Conn, account: AccountId, id: SessionId) -> Answer<Option<Session>> {
    let found = sessions::table
        .find(b(&id))
        .filter(sessions::account.eq(b(&account)))
        .select(Session::COLUMNS)
        .get_result::<Row<Session>>(c)
        .await
        .optional()?;
    Ok(found.map(Row::into_inner))
}

/// The sessions of an account that run: there is an index of these alone.
#[dsl::auto_type(no_type_alias)]
pub(super) fn running(account: AccountId) -> _ {
    let of_account: dsl::Eq<sessions::account, Bound<AccountId>> = sessions::account.eq(b(&account));
    sessions::table.filter(of_account).filter(sessions::destroyed_at.is_null())
}

/// In no order.
pub(super) async fn all_running(c: &mut Conn, account: AccountId) -> Answer<Vec<Session>> {
    let rows: Vec<Row<Session>> = running(account).select(Session::COLUMNS).load(c).await?;
    Ok(rows.into_iter().map(Row::into_inner).collect())
}

pub(crate) async fn count_running(c: &mut Conn, account: AccountId) -> Answer<i64> {
    Ok(running(account).count().get_result(c).await?)
}

async fn insert(c: &mut Conn, session: &Session) -> Answer<()> {
    dsl::insert_into(sessions::table).values(session).execute(c).await?;
    Ok(())
}

/// Ends a session that runs, and adds its minutes to their days.
pub(super) async fn end(c: &mut Conn, it: &EndedSession) -> Answer<()> {
    let account: Option<crate::types::Key> =
        update(sessions::table.find(b(&it.session)).filter(sessions::destroyed_at.is_null()))
            .set(sessions::destroyed_at.eq(b(&Some(it.at))))
            .returning(sessions::account)
            .get_result(c)
            .await
            .optional()?;
    let account = AccountId::new(account.ok_or(Fault::Stale)?.0);
    usage::add(c, account, &it.minutes).await
}
