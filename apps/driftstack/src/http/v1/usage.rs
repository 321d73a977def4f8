//! What a workspace has used.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    policy::action::{ReadUsage, ReadUsageSeries},
    tier::Tier,
    time::Timestamp,
    usage::{DayMinutes, Days, PeriodUsage},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::{
        Api, Gate, Ok200, Problem, Query,
        query::{Pairs, Parameters},
    },
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/usage", period).route(Method::GET, "/v1/usage/series", series)
}

/// What is counted. Only sessions are there to be used, so the rest is 0.
#[derive(Serialize, ToSchema)]
struct UsageTotals {
    /// A minute counts as soon as it has begun, on the day on which it began.
    session_minute: i64,
    navigate: i64,
    interact: i64,
    wait: i64,
    state_capture: i64,
    screenshot_capture: i64,
}

impl UsageTotals {
    fn of(session_minute: i64) -> Self {
        Self { session_minute, navigate: 0, interact: 0, wait: 0, state_capture: 0, screenshot_capture: 0 }
    }
}

/// How much there may be of it in a period. Null: no tier limits it.
#[derive(Serialize, ToSchema, Default)]
struct UsageQuotas {
    session_minute: Option<i64>,
    navigate: Option<i64>,
    interact: Option<i64>,
    wait: Option<i64>,
    state_capture: Option<i64>,
    screenshot_capture: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct UsagePeriodView {
    /// The first moment of the month in UTC.
    #[schema(value_type = String, format = "date-time")]
    period_start: Timestamp,
    /// The first moment of the next one.
    #[schema(value_type = String, format = "date-time")]
    period_end: Timestamp,
    /// Of the owner of the workspace.
    #[schema(value_type = String)]
    tier: Tier,
    totals: UsageTotals,
    quotas: UsageQuotas,
}

impl From<PeriodUsage> for UsagePeriodView {
    fn from(usage: PeriodUsage) -> Self {
        Self {
            period_start: usage.start,
            period_end: usage.end,
            tier: usage.tier,
            totals: UsageTotals::of(usage.session_minutes),
            quotas: UsageQuotas::default(),
        }
    }
}

async fn period(gate: Gate<ReadUsage>, services: Data<Services>) -> Result<Ok200<UsagePeriodView>, Problem> {
    Ok(Ok200(services.usage.period(gate.permit()).await?.into()))
}

/// How many days a series has.
#[derive(Debug)]
struct SeriesQuery(Days);

impl Parameters for SeriesQuery {
    const KNOWN: &'static [(&'static str, &'static str)] =
        &[("days", "How many days, 1 to 90; 30 unless told. The last one is today, in UTC.")];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        Ok(Self(query.parsed("days")?.unwrap_or_default()))
    }
}

/// A day in UTC, such as `2026-05-12`.
#[derive(Serialize, ToSchema)]
struct UsageDayView {
    #[schema(format = "date")]
    date: String,
    totals: UsageTotals,
}

impl From<DayMinutes> for UsageDayView {
    fn from(it: DayMinutes) -> Self {
        Self { date: it.day.to_string(), totals: UsageTotals::of(it.minutes) }
    }
}

#[derive(Serialize, ToSchema)]
struct UsageSeriesView {
    #[schema(format = "date")]
    from_date: String,
    /// Today.
    #[schema(format = "date")]
    to_date: String,
    /// Each day, oldest first, also those on which there was nothing.
    buckets: Vec<UsageDayView>,
}

async fn series(
    gate: Gate<ReadUsageSeries>,
    services: Data<Services>,
    query: Query<SeriesQuery>,
) -> Result<Ok200<UsageSeriesView>, Problem> {
    let buckets: Vec<UsageDayView> =
        services.usage.series(gate.permit(), query.0.0).await?.into_iter().map(UsageDayView::from).collect();
    let date = |day: Option<&UsageDayView>| day.map(|it| it.date.clone()).ok_or_else(Problem::internal);
    Ok(Ok200(UsageSeriesView { from_date: date(buckets.first())?, to_date: date(buckets.last())?, buckets }))
}
