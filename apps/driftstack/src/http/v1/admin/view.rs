use driftstack_domain::{
    account::{Account, Region},
    id::{AccountId, TeamId},
    staff::{AccountListed, SeenAccount},
    tier::{Plan, Tier, effective_quotas},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::v1::account::BucketView;

/// An account in the list of staff.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountListedView {
    #[schema(value_type = String)]
    id: AccountId,
    email: String,
    name: Option<String>,
    #[schema(value_type = String)]
    tier: Tier,
    /// `active` or `suspended`.
    status: &'static str,
    staff: bool,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<AccountListed> for AccountListedView {
    fn from(AccountListed { account, staff }: AccountListed) -> Self {
        Self {
            id: account.id,
            email: account.email.into(),
            name: account.name.map(Into::into),
            tier: account.tier,
            status: account.status.as_str(),
            staff,
            created_at: account.created_at,
        }
    }
}

/// An account as staff see it.
#[derive(Serialize, ToSchema)]
pub(super) struct SeenAccountView {
    #[schema(value_type = String)]
    id: AccountId,
    email: String,
    /// Null: the address was never verified.
    #[schema(value_type = Option<String>, format = "date-time")]
    email_verified_at: Option<Timestamp>,
    name: Option<String>,
    #[schema(value_type = String)]
    tier: Tier,
    /// `active` or `suspended`.
    status: &'static str,
    staff: bool,
    slug: Option<String>,
    region: Option<&'static str>,
    team: SeenTeamView,
    /// What its buckets give now.
    rate_limits: Vec<BucketView>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
}

/// The team of an account, with what the organisation has.
#[derive(Serialize, ToSchema)]
struct SeenTeamView {
    #[schema(value_type = String)]
    id: TeamId,
    name: String,
    /// `free`, `standard`, `professional`, `api` or `enterprise`.
    #[schema(value_type = String)]
    plan: Plan,
}

impl SeenAccountView {
    pub(super) fn new(seen: SeenAccount, now: Timestamp) -> Self {
        let SeenAccount { account, staff, email_verified_at, overrides, team, .. } = seen;
        let Account { id, email, name, tier, status, slug, region, created_at, updated_at, .. } = account;
        Self {
            id,
            email: email.into(),
            email_verified_at,
            name: name.map(Into::into),
            tier,
            status: status.as_str(),
            staff,
            slug: slug.map(Into::into),
            region: region.map(Region::as_str),
            team: SeenTeamView { id: team.id, name: team.name.into(), plan: team.plan },
            rate_limits: effective_quotas(tier, overrides, now).map(BucketView::from).collect(),
            created_at,
            updated_at,
        }
    }
}
