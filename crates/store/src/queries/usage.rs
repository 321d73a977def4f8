use std::ops::RangeInclusive;

use async_trait::async_trait;
use diesel::{
    dsl,
    prelude::*,
    sql_types::{BigInt, Integer, Nullable},
    upsert::excluded,
};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    change::StoreError,
    id::AccountId,
    time::Timestamp,
    usage::{Day, DayMinutes, SeenUsage, UsageStore},
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, session::running};
use crate::{
    cached::Cached,
    rows::seen,
    schema::{sessions, usage_days},
    types::{Moment, b},
};

#[async_trait]
impl UsageStore for Store {
    #[instrument(level = "debug", name = "db.usage.seen", skip_all)]
    async fn seen_usage(&self, account: AccountId, days: RangeInclusive<Day>) -> Result<SeenUsage, StoreError> {
        self.read(move |c| seen_usage(c, account, days).boxed()).await
    }
}

seen! {
    /// A day, or a session that runs.
    struct Part {
        day: Option<Day> = usage_days.day,
        minutes: Option<i64> = usage_days.session_minutes,
        since: Option<Timestamp> = sessions.created_at,
    }
}

/// One statement sees one moment: between two, a session may end and be in both, or in neither.
pub(crate) async fn seen_usage(c: &mut Conn, account: AccountId, days: RangeInclusive<Day>) -> Answer<SeenUsage> {
    let ended = usage_days::table
        .filter(usage_days::account.eq(b(&account)))
        .filter(usage_days::day.ge(b(days.start())))
        .filter(usage_days::day.le(b(days.end())))
        .select((
            usage_days::day.nullable(),
            usage_days::session_minutes.nullable(),
            dsl::sql::<Nullable<Moment>>("NULL"),
        ));
    let run = running(account).select((
        dsl::sql::<Nullable<Integer>>("NULL"),
        dsl::sql::<Nullable<BigInt>>("NULL"),
        sessions::created_at.nullable(),
    ));
    let parts: Vec<Part> = Cached(ended.union_all(run)).load(c).await?;
    let ended = parts.iter().filter_map(|it| Some(DayMinutes { day: it.day?, minutes: it.minutes? })).collect();
    Ok(SeenUsage { ended, running_since: parts.iter().filter_map(|it| it.since).collect() })
}

/// Adds minutes to their days.
pub(crate) async fn add(c: &mut Conn, account: AccountId, minutes: &[DayMinutes]) -> Answer<()> {
    // One statement each: most sessions are over on the day on which they began.
    for it in minutes {
        let row = (
            usage_days::account.eq(b(&account)),
            usage_days::day.eq(b(&it.day)),
            usage_days::session_minutes.eq(it.minutes),
        );
        let added = dsl::insert_into(usage_days::table)
            .values(row)
            .on_conflict((usage_days::account, usage_days::day))
            .do_update()
            .set(usage_days::session_minutes.eq(usage_days::session_minutes + excluded(usage_days::session_minutes)));
        Cached(added).execute(c).await?;
    }
    Ok(())
}
