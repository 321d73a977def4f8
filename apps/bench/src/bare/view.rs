//! The answers, of the same shape as the service's.

use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize)]
pub struct Me {
    pub id: String,
    pub email: String,
    pub name: Option<String>,
    pub tier: String,
    pub status: String,
    pub timezone: Option<String>,
    pub slug: Option<String>,
    pub region: Option<String>,
    pub onboarding_completed_at: Option<String>,
    pub avatar_url: Option<String>,
    pub avatar_source: &'static str,
    pub mfa_enrolled: bool,
    pub concurrent_session_cap: u32,
    pub concurrent_session_active: u32,
    pub profile_cap: Option<u32>,
    pub profile_count: u32,
    pub teams: Vec<Team>,
}

#[derive(Serialize)]
pub struct Team {
    pub owner_account_id: String,
    pub owner_email: String,
    pub owner_name: Option<String>,
    pub role: String,
    pub membership_id: String,
}

/// How an engine gives ids.
pub trait Id {
    fn uuid(self) -> Uuid;
}

impl Id for Uuid {
    fn uuid(self) -> Uuid {
        self
    }
}

impl Id for Vec<u8> {
    fn uuid(self) -> Uuid {
        Uuid::from_slice(&self).unwrap_or_default()
    }
}

/// The columns of an account in the order in which both engines select them.
pub type Account<I> = (I, String, Option<String>, String, String, Option<String>, Option<String>, Option<String>);

/// A membership of the account, and the other account.
pub type Membership<I> = (I, I, String, String, Option<String>);

/// Whether there is a second factor, the sessions that run, and the profiles.
pub type Beside = (bool, Option<i64>, Option<i64>);

/// A row of an account with its teams.
pub type OnTeam<I> = (Account<I>, Beside, Option<Membership<I>>);

/// The account and its teams, out of their rows.
pub fn me_of<I: Id>(rows: Vec<OnTeam<I>>) -> Option<Me> {
    let mut rows = rows.into_iter();
    let (account, beside, team) = rows.next()?;
    let teams = team.into_iter().chain(rows.filter_map(|(_, _, team)| team));
    Some(me(account, beside, teams))
}

pub fn me<I: Id>(account: Account<I>, beside: Beside, teams: impl IntoIterator<Item = Membership<I>>) -> Me {
    let (mfa_enrolled, running, profiles) = beside;
    let [running, profiles] = [running, profiles].map(|rows| u32::try_from(rows.unwrap_or(0)).unwrap_or(u32::MAX));
    let (id, email, name, tier, status, timezone, slug, region) = account;
    Me {
        id: format!("acc_{}", id.uuid()),
        email,
        name,
        tier,
        status,
        timezone,
        slug,
        region,
        onboarding_completed_at: None,
        avatar_url: None,
        avatar_source: "none",
        mfa_enrolled,
        concurrent_session_cap: 32,
        concurrent_session_active: running,
        profile_cap: None,
        profile_count: profiles,
        teams: teams.into_iter().map(team).collect(),
    }
}

fn team<I: Id>((membership, owner, role, owner_email, owner_name): Membership<I>) -> Team {
    Team {
        owner_account_id: format!("acc_{}", owner.uuid()),
        owner_email,
        owner_name,
        role,
        membership_id: format!("mem_{}", membership.uuid()),
    }
}

/// A session that has begun.
#[derive(Serialize)]
pub struct Begun {
    pub id: String,
    pub account_id: String,
    pub status: &'static str,
    pub archetype: &'static str,
    pub purpose: &'static str,
}

pub fn begun(id: Uuid, account: Uuid) -> Begun {
    Begun {
        id: format!("ses_{id}"),
        account_id: format!("acc_{account}"),
        status: "ready",
        archetype: "default",
        purpose: "production_customer",
    }
}
