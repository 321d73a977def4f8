use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    auth::{EmailWish, LinkKind, LinkRenewal, LinkRequest, LinkStore, NewLink},
    change::{CommitError, StoreError},
    id::{AccountId, LinkId},
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault};
use crate::{
    cached::update,
    rows::{InTable, Row},
    schema::{link_requests, links},
    types::b,
};

#[async_trait]
impl LinkStore for Store {
    #[instrument(level = "debug", name = "db.link.ask", skip_all)]
    async fn ask(&self, it: &LinkRequest) -> Result<(), StoreError> {
        let it = it.clone();
        self.write(move |c| async move { ask(c, &it).await }.boxed()).await?;
        self.link_wanted().ring();
        Ok(())
    }

    #[instrument(level = "debug", name = "db.link.commit_email_wish", skip_all)]
    async fn commit_email_wish(&self, it: &EmailWish) -> Result<(), CommitError> {
        self.commit(it, |c, it| email_wish(c, it).boxed()).await?;
        self.link_wanted().ring();
        Ok(())
    }

    #[instrument(level = "debug", name = "db.link.asked", skip_all)]
    async fn asked(&self, limit: u16) -> Result<Vec<LinkRequest>, StoreError> {
        self.read(move |c| asked(c, limit).boxed()).await
    }

    #[instrument(level = "debug", name = "db.link.forget", skip_all)]
    async fn forget(&self, it: &LinkRequest) -> Result<(), StoreError> {
        let request = it.id;
        self.write(move |c| forget(c, request).map(|forgotten| forgotten.map(drop)).boxed()).await?;
        Ok(())
    }

    #[instrument(level = "debug", name = "db.link.commit", skip_all)]
    async fn commit_link(&self, it: &LinkRenewal) -> Result<(), CommitError> {
        self.commit(it, |c, it| renewal(c, it).boxed()).await
    }

    async fn wanted(&self) {
        self.link_wanted().heard().await;
    }
}

async fn ask(c: &mut Conn, it: &LinkRequest) -> Answer<()> {
    dsl::insert_into(link_requests::table).values(it).execute(c).await?;
    Ok(())
}

/// The link of the wish before goes here, not when the next one is made: whether there will be a next one depends on who has
/// the address, and must not show.
async fn email_wish(c: &mut Conn, it: &EmailWish) -> Answer<()> {
    forget_wishes(c, it.account).await?;
    void(c, it.account, LinkKind::EmailChange, it.request.at).await?;
    ask(c, &it.request).await
}

/// However many there are.
async fn forget_wishes(c: &mut Conn, account: AccountId) -> Answer<()> {
    dsl::delete(link_requests::table.filter(link_requests::account.eq(b(&Some(account))))).execute(c).await?;
    Ok(())
}

async fn asked(c: &mut Conn, limit: u16) -> Answer<Vec<LinkRequest>> {
    let oldest = link_requests::table.order(link_requests::id).limit(i64::from(limit));
    let rows = oldest.select(LinkRequest::COLUMNS).load::<Row<LinkRequest>>(c).await?;
    Ok(rows.into_iter().map(Row::into_inner).collect())
}

async fn forget(c: &mut Conn, request: LinkId) -> Answer<usize> {
    Ok(dsl::delete(link_requests::table.find(b(&request))).execute(c).await?)
}

async fn renewal(c: &mut Conn, it: &LinkRenewal) -> Answer<()> {
    Fault::unless_one(forget(c, it.request).await?)?;
    void(c, it.link.account, it.link.kind, it.link.created_at).await?;
    insert(c, &it.link).await
}

/// However many there are: none is left.
pub(super) async fn void(c: &mut Conn, account: AccountId, kind: LinkKind, at: Timestamp) -> Answer<()> {
    let live = links::used_at.is_null().and(links::voided_at.is_null());
    let of_kind = links::table.filter(links::account.eq(b(&account))).filter(links::kind.eq(b(&kind)));
    update(of_kind.filter(live)).set(links::voided_at.eq(b(&Some(at)))).execute(c).await?;
    Ok(())
}

/// Uses a link that nobody has used, or `Stale`.
pub(super) async fn spend(c: &mut Conn, link: LinkId, at: Timestamp) -> Answer<()> {
    let unspent = links::used_at.is_null().and(links::voided_at.is_null());
    let used =
        update(links::table.find(b(&link)).filter(unspent)).set(links::used_at.eq(b(&Some(at)))).execute(c).await?;
    Fault::unless_one(used)
}

/// However many there are, and of whatever kind; also the one that a wish for another address has yet to become.
pub(super) async fn void_all(c: &mut Conn, account: AccountId, at: Timestamp) -> Answer<()> {
    forget_wishes(c, account).await?;
    let live = links::used_at.is_null().and(links::voided_at.is_null());
    update(links::table.filter(links::account.eq(b(&account))).filter(live))
        .set(links::voided_at.eq(b(&Some(at))))
        .execute(c)
        .await?;
    Ok(())
}

pub(super) async fn insert(c: &mut Conn, link: &NewLink) -> Answer<()> {
    dsl::insert_into(links::table)
        .values((
            links::id.eq(b(&link.id)),
            links::kind.eq(b(&link.kind)),
            links::account.eq(b(&link.account)),
            links::new_email.eq(b(&link.new_email)),
            links::token.eq(b(&link.token)),
            links::created_at.eq(b(&link.created_at)),
            links::expires_at.eq(b(&link.expires_at)),
        ))
        .execute(c)
        .await?;
    Ok(())
}
