//! Overrides of rate limits.

use actix_web::web::Data;
use driftstack_domain::{
    id::AccountId,
    limit::Bucket,
    policy::action::{ClearOverride, SetOverride},
    staff::{OverrideOrder, Remark},
    tier::{Capacity, OverrideLife, RefillRate},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    http::{
        Body, Gate, Id, NoContent, Ok200, Problem, Query,
        query::{Pairs, Parameters},
        v1::account::BucketView,
    },
    wire::Services,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OverrideBody {
    /// `global` or `sessions:create`.
    #[schema(value_type = String)]
    bucket_key: Bucket,
    /// 1 to 600,000.
    #[schema(value_type = u32)]
    capacity: Capacity,
    /// From 1/3600 to 10,000.
    #[schema(value_type = f64)]
    refill_per_second: RefillRate,
    /// 1 to 2,592,000: thirty days.
    #[schema(value_type = u32)]
    duration_seconds: OverrideLife,
    /// 1 to 2,000 characters. The customer reads it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    reason: Option<Remark>,
}

impl From<OverrideBody> for OverrideOrder {
    fn from(body: OverrideBody) -> Self {
        Self {
            bucket: body.bucket_key,
            capacity: body.capacity,
            refill_per_second: body.refill_per_second,
            life: body.duration_seconds,
            reason: body.reason,
        }
    }
}

pub(super) async fn set(
    gate: Gate<SetOverride>,
    services: Data<Services>,
    id: Id<AccountId>,
    body: Body<OverrideBody>,
) -> Result<Ok200<BucketView>, Problem> {
    let order = OverrideOrder::from(body.0);
    let effective = gate.change(async |by| services.staff.set_override(by, id.0, &order).await).await?;
    Ok(Ok200(effective.into()))
}

pub(super) struct Which(Bucket);

impl Parameters for Which {
    const KNOWN: &'static [(&'static str, &'static str)] = &[("bucket_key", "`global` or `sessions:create`.")];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let bucket = query.parsed("bucket_key")?;
        bucket.map(Self).ok_or_else(|| Problem::invalid("bucket_key", "say which bucket"))
    }
}

pub(super) async fn clear(
    gate: Gate<ClearOverride>,
    services: Data<Services>,
    id: Id<AccountId>,
    which: Query<Which>,
) -> Result<NoContent, Problem> {
    gate.change(async |by| services.staff.clear_override(by, id.0, which.0.0).await).await?;
    Ok(NoContent)
}
