use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    change::StoreError,
    email::Email,
    id::{AccountId, MailId},
    mail::{ClaimedMail, DeadMail, MailContent, Outbox, OutboxDepth, OutgoingMail},
    secret::Sealed,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, dialect};
use crate::{cached::update, rows::seen, schema::mails, types::b};

#[async_trait]
impl Outbox for Store {
    #[instrument(level = "debug", name = "db.mail.claim", skip_all)]
    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u16) -> Result<Vec<ClaimedMail>, StoreError> {
        Ok(self.write(move |c| claim(c, now, until, limit).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.mail.mark_sent", skip_all)]
    async fn mark_sent(&self, mail: MailId, at: Timestamp) -> Result<(), StoreError> {
        Ok(self.write(move |c| mark_sent(c, mail, at).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.mail.mark_failed", skip_all)]
    async fn mark_failed(&self, mail: MailId, retry_at: Option<Timestamp>, why: &str) -> Result<(), StoreError> {
        let why = why.to_owned();
        Ok(self.write(move |c| mark_failed(c, mail, retry_at, why).boxed()).await?)
    }

    #[instrument(level = "debug", name = "db.mail.depth", skip_all)]
    async fn depth(&self) -> Result<OutboxDepth, StoreError> {
        self.read(|c| depth(c).boxed()).await
    }

    #[instrument(level = "debug", name = "db.mail.dead", skip_all)]
    async fn dead(&self, limit: u16) -> Result<Vec<DeadMail>, StoreError> {
        self.read(move |c| dead(c, limit).boxed()).await
    }

    #[instrument(level = "debug", name = "db.mail.requeue", skip_all)]
    async fn requeue(&self, mail: MailId, at: Timestamp) -> Result<bool, StoreError> {
        let requeued = self.write(move |c| requeue(c, mail, at).boxed()).await?;
        self.mail_written().ring();
        Ok(requeued)
    }

    async fn written(&self) {
        self.mail_written().heard().await;
    }
}

seen! {
    struct MailRow {
        id: MailId = mails.id,
        to: Email = mails.recipient,
        content: MailContent = mails.content,
        token: Option<Sealed> = mails.token,
        at: Timestamp = mails.at,
        attempts: i32 = mails.attempts,
    }
}

seen! {
    struct DeadRow {
        id: MailId = mails.id,
        to: Email = mails.recipient,
        content: MailContent = mails.content,
        at: Timestamp = mails.at,
        attempts: i32 = mails.attempts,
        problem: Option<String> = mails.problem,
    }
}

impl From<DeadRow> for DeadMail {
    fn from(row: DeadRow) -> Self {
        let attempts = u32::try_from(row.attempts).unwrap_or_default();
        let problem = row.problem.unwrap_or_default();
        Self { id: row.id, to: row.to, content: row.content, at: row.at, attempts, problem }
    }
}

impl From<MailRow> for ClaimedMail {
    fn from(row: MailRow) -> Self {
        let attempt = u32::try_from(row.attempts).unwrap_or_default();
        let mail = OutgoingMail { id: row.id, to: row.to, content: row.content, token: row.token, at: row.at };
        Self { mail, attempt }
    }
}

pub(super) async fn insert(c: &mut Conn, mail: &OutgoingMail, about: Option<AccountId>) -> Answer<()> {
    dsl::insert_into(mails::table)
        .values((
            mails::id.eq(b(&mail.id)),
            mails::recipient.eq(b(&mail.to)),
            mails::content.eq(b(&mail.content)),
            mails::token.eq(b(&mail.token)),
            mails::at.eq(b(&mail.at)),
            mails::due_at.eq(b(&Some(mail.at))),
            mails::account.eq(b(&about)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn claim(c: &mut Conn, now: Timestamp, until: Timestamp, limit: u16) -> Answer<Vec<ClaimedMail>> {
    let due = dialect::due_mails(c, now, i64::from(limit)).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    // Asks again whether each is due: where two may look at once, the slower one finds less.
    let mut claimed: Vec<ClaimedMail> =
        update(mails::table.filter(mails::id.eq_any(due)).filter(mails::due_at.le(b(&Some(now)))))
            .set((mails::due_at.eq(b(&Some(until))), mails::attempts.eq(mails::attempts + 1)))
            .returning((mails::id, mails::recipient, mails::content, mails::token, mails::at, mails::attempts))
            .load::<MailRow>(c)
            .await?
            .into_iter()
            .map(ClaimedMail::from)
            .collect();
    claimed.sort_unstable_by_key(|claimed| claimed.mail.id);
    Ok(claimed)
}

async fn mark_sent(c: &mut Conn, mail: MailId, at: Timestamp) -> Answer<()> {
    update(mails::table.find(b(&mail)))
        .set((
            mails::sent_at.eq(b(&Some(at))),
            mails::due_at.eq(b(&None::<Timestamp>)),
            mails::token.eq(b(&None::<Sealed>)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

async fn mark_failed(c: &mut Conn, mail: MailId, retry_at: Option<Timestamp>, why: String) -> Answer<()> {
    // A mail whose lease ran out may have been sent by somebody else meanwhile: sent is sent.
    update(mails::table.find(b(&mail)).filter(mails::sent_at.is_null()))
        .set((mails::due_at.eq(b(&retry_at)), mails::problem.eq(b(&Some(why)))))
        .execute(c)
        .await?;
    Ok(())
}

async fn depth(c: &mut Conn) -> Answer<OutboxDepth> {
    let waiting: i64 = mails::table.filter(mails::due_at.is_not_null()).count().get_result(c).await?;
    let dead = mails::table.filter(mails::due_at.is_null()).filter(mails::sent_at.is_null());
    let dead: i64 = dead.count().get_result(c).await?;
    let at_most = |count| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(OutboxDepth { waiting: at_most(waiting), dead: at_most(dead) })
}

async fn dead(c: &mut Conn, limit: u16) -> Answer<Vec<DeadMail>> {
    let dead = mails::table.filter(mails::due_at.is_null()).filter(mails::sent_at.is_null());
    let columns = (mails::id, mails::recipient, mails::content, mails::at, mails::attempts, mails::problem);
    let rows = dead.order(mails::id.desc()).limit(i64::from(limit)).select(columns).load::<DeadRow>(c).await?;
    Ok(rows.into_iter().map(DeadMail::from).collect())
}

async fn requeue(c: &mut Conn, mail: MailId, at: Timestamp) -> Answer<bool> {
    let dead = mails::table.find(b(&mail)).filter(mails::due_at.is_null()).filter(mails::sent_at.is_null());
    let due = (mails::due_at.eq(b(&Some(at))), mails::attempts.eq(0));
    Ok(update(dead).set(due).execute(c).await? == 1)
}
