//! The calling account, from its profile to its end.

use actix_web::{http::Method, web::Data};
use driftstack_domain::{
    access::Access,
    account::{Edit, EditError, OwnAccount, ProfileEdit, Region, Slug, TimeZone},
    id::AccountId,
    name::Name,
    policy::action::{DeleteAccount, EditAccount, ReadAccount, ReadRateLimits, WhoAmI},
    tier::{EffectiveQuota, QuotaSource, Tier, effective_quotas},
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

use super::team::OwnerView;
use crate::{
    http::{Api, Body, Code, Gate, NoContent, Ok200, Problem, body::confirmed},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/whoami", who_am_i)
        .route(Method::GET, "/v1/account/me", me)
        .route(Method::PATCH, "/v1/account/me", edit)
        .route(Method::DELETE, "/v1/account/me", delete)
        .route(Method::GET, "/v1/account/rate-limits", rate_limits)
}

#[derive(Serialize, ToSchema)]
struct WhoAmIView {
    #[schema(value_type = String)]
    account_id: AccountId,
    /// `key_…` for an API key, `wsk_…` for a web session.
    api_key_id: String,
    #[schema(value_type = String)]
    tier: Tier,
    scopes: Vec<&'static str>,
}

async fn who_am_i(gate: Gate<WhoAmI>) -> Result<Ok200<WhoAmIView>, Problem> {
    let access = gate.permit().access();
    Ok(Ok200(WhoAmIView {
        account_id: access.account,
        api_key_id: access.credential.to_string(),
        tier: access.tier,
        scopes: access.scopes.iter().map(driftstack_domain::policy::Scope::as_str).collect(),
    }))
}

/// An account as its holder sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct MeView {
    #[schema(value_type = String)]
    id: AccountId,
    email: String,
    /// Null: shown by its address.
    name: Option<String>,
    #[schema(value_type = String)]
    tier: Tier,
    /// `active`, `suspended` or `deleted`.
    status: &'static str,
    /// An IANA name; null: UTC.
    timezone: Option<&'static str>,
    slug: Option<String>,
    /// `us`, `eu` or `apac`: a stated preference, by which nothing is routed.
    region: Option<&'static str>,
    #[schema(value_type = Option<String>, format = "date-time")]
    onboarding_completed_at: Option<Timestamp>,
    /// Works for an hour, without a credential.
    avatar_url: Option<String>,
    /// `user` or `none`.
    avatar_source: &'static str,
    /// Null for an API key that a member minted: it does not see it.
    mfa_enrolled: Option<bool>,
    concurrent_session_cap: u32,
    concurrent_session_active: u32,
    /// Null: unlimited.
    profile_cap: Option<u32>,
    profile_count: u32,
    /// The teams of others that the account is on.
    teams: Vec<OwnerView>,
}

impl MeView {
    pub(super) fn new(own: OwnAccount, services: &Services, sees_mfa: bool) -> Self {
        let OwnAccount { account, mfa_enrolled, running_sessions, profiles, teams } = own;
        let limits = account.tier.limits();
        Self {
            id: account.id,
            email: account.email.into(),
            name: account.name.map(Into::into),
            tier: account.tier,
            status: account.status.as_str(),
            timezone: account.time_zone.map(TimeZone::as_str),
            slug: account.slug.map(Into::into),
            region: account.region.map(Region::as_str),
            onboarding_completed_at: account.onboarding_completed_at,
            mfa_enrolled: sees_mfa.then_some(mfa_enrolled),
            avatar_url: account.avatar.and_then(|key| services.avatars.url(key)),
            avatar_source: if account.avatar.is_some() { "user" } else { "none" },
            concurrent_session_cap: limits.concurrent_sessions,
            concurrent_session_active: running_sessions,
            profile_cap: limits.profiles,
            profile_count: profiles,
            teams: teams.into_iter().map(OwnerView::from).collect(),
        }
    }
}

async fn me(gate: Gate<ReadAccount>, services: Data<Services>) -> Result<Ok200<MeView>, Problem> {
    let own = services.accounts.me(gate.permit()).await?;
    Ok(Ok200(MeView::new(own, &services, !gate.permit().access().in_members_hands())))
}

/// Any of them; null clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditBody {
    /// 1 to 120 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Edit<Name>,
    /// An IANA name, such as `Europe/Amsterdam`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    timezone: Edit<TimeZone>,
    /// 3 to 32 characters of a-z, 0-9 and hyphen.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    slug: Edit<Slug>,
    /// `us`, `eu` or `apac`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    region: Edit<Region>,
    /// Only `true`: the mark is never taken back.
    #[serde(default, deserialize_with = "only_true")]
    onboarding_completed: bool,
}

fn only_true<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    if bool::deserialize(deserializer)? { Ok(true) } else { Err(de::Error::custom("only `true` is allowed")) }
}

impl From<EditBody> for ProfileEdit {
    fn from(body: EditBody) -> Self {
        Self {
            name: body.name,
            time_zone: body.timezone,
            slug: body.slug,
            region: body.region,
            onboarding_completed: body.onboarding_completed,
        }
    }
}

async fn edit(
    gate: Gate<EditAccount>,
    services: Data<Services>,
    body: Body<EditBody>,
) -> Result<Ok200<MeView>, Problem> {
    let edit = ProfileEdit::from(body.0);
    let own = gate.change(async |by| services.accounts.edit(by, edit.clone()).await).await?;
    Ok(Ok200(MeView::new(own, &services, true)))
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NothingToChange => Self::invalid("", error),
            EditError::SlugTaken => Self::new(Code::Conflict, error),
            EditError::Commit(error) => error.into(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteBody {
    /// Must be `delete-account`.
    confirm: String,
}

async fn delete(
    gate: Gate<DeleteAccount>,
    services: Data<Services>,
    body: Body<DeleteBody>,
) -> Result<NoContent, Problem> {
    confirmed(&body.0.confirm, "delete-account")?;
    gate.change(async |by| services.endings.delete(by).await).await?;
    Ok(NoContent)
}

#[derive(Serialize, ToSchema)]
struct RateLimitsView {
    #[schema(value_type = String)]
    tier: Tier,
    buckets: Vec<BucketView>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct BucketView {
    bucket_key: &'static str,
    capacity: u32,
    refill_per_second: f64,
    /// `tier_default` or `override`.
    source: &'static str,
    #[schema(value_type = Option<String>, format = "date-time")]
    override_expires_at: Option<Timestamp>,
}

impl From<EffectiveQuota> for BucketView {
    fn from(effective: EffectiveQuota) -> Self {
        let (source, override_expires_at) = match effective.source {
            QuotaSource::TierDefault => ("tier_default", None),
            QuotaSource::Override { expires_at } => ("override", Some(expires_at)),
        };
        Self {
            bucket_key: effective.bucket.as_str(),
            capacity: effective.quota.capacity(),
            refill_per_second: effective.refill_per_second,
            source,
            override_expires_at,
        }
    }
}

async fn rate_limits(gate: Gate<ReadRateLimits>, services: Data<Services>) -> Result<Ok200<RateLimitsView>, Problem> {
    let Access { tier, overrides, .. } = *gate.permit().access();
    let buckets = effective_quotas(tier, overrides, services.clock.now());
    Ok(Ok200(RateLimitsView { tier, buckets: buckets.map(BucketView::from).collect() }))
}
