use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    change::StoreError,
    email::Email,
    id::MailId,
    mail::{ClaimedMail, MailContent, Outbox, OutgoingMail},
    secret::Sealed,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn};
use crate::{
    rows::seen,
    schema::mails,
    types::{Key, b},
};

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

impl From<MailRow> for ClaimedMail {
    fn from(row: MailRow) -> Self {
        let attempt = u32::try_from(row.attempts).unwrap_or_default();
        let mail = OutgoingMail { id: row.id, to: row.to, content: row.content, token: row.token, at: row.at };
        Self { mail, attempt }
    }
}

pub(super) async fn insert(c: &mut Conn, mail: &OutgoingMail) -> Answer<()> {
    dsl::insert_into(mails::table)
        .values((
            mails::id.eq(b(&mail.id)),
            mails::recipient.eq(b(&mail.to)),
            mails::content.eq(b(&mail.content)),
            mails::token.eq(b(&mail.token)),
            mails::at.eq(b(&mail.at)),
            mails::due_at.eq(b(&Some(mail.at))),
        ))
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn claim(c: &mut Conn, now: Timestamp, until: Timestamp, limit: u16) -> Answer<Vec<ClaimedMail>> {
    let due = mails::table.filter(mails::due_at.le(b(&Some(now)))).order((mails::due_at, mails::id));
    let due: Vec<Key> = due.limit(i64::from(limit)).select(mails::id).load(c).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    // Asks again whether each is due: where two may look at once, the slower one finds less.
    let mut claimed: Vec<ClaimedMail> =
        dsl::update(mails::table.filter(mails::id.eq_any(due)).filter(mails::due_at.le(b(&Some(now)))))
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
    dsl::update(mails::table.find(b(&mail)))
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
    dsl::update(mails::table.find(b(&mail)).filter(mails::sent_at.is_null()))
        .set((mails::due_at.eq(b(&retry_at)), mails::problem.eq(b(&Some(why)))))
        .execute(c)
        .await?;
    Ok(())
}
