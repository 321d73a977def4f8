use async_trait::async_trait;
use diesel::{alias, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::{Account, AccountStatus, AccountStore, OwnAccount, ProfileChange},
    change::{CommitError, StoreError},
    email::Email,
    id::{AccountId, MembershipId},
    membership::OwnerSeen,
    name::Name,
    policy::Role,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault, dialect};
use crate::{
    cached::update,
    rows::{InTable, Row, seen},
    schema::{accounts, factors, memberships},
    types::b,
};

#[async_trait]
impl AccountStore for Store {
    #[instrument(level = "debug", name = "db.account.own", skip_all)]
    async fn own_account(&self, id: AccountId) -> Result<Option<OwnAccount>, StoreError> {
        self.read(move |c| own_account(c, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_profile", skip_all)]
    async fn commit_profile(&self, it: &ProfileChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| edit(c, &it.account).boxed()).await
    }
}

/// One row for each team, or one without a team: an account is on few. The joins are flat, as those of [`super::caller`] are.
/// What is counted belongs to no row, so it is counted once, in an index.
pub(crate) async fn own_account(c: &mut Conn, id: AccountId) -> Answer<Option<OwnAccount>> {
    let rows = accounts::table
        .left_join(memberships::table.on(memberships::member.eq(accounts::id).and(memberships::removed_at.is_null())))
        .left_join(
            OWNER.on(OWNER
                .field(accounts::id)
                .eq(memberships::owner)
                .and(OWNER.field(accounts::status).ne(b(&AccountStatus::Deleted)))),
        )
        .left_join(factors::table.on(factors::account.eq(accounts::id)))
        .filter(accounts::id.eq(b(&id)))
        .order(memberships::id.desc())
        .select((
            Account::COLUMNS,
            (
                factors::enrolled_at.nullable(),
                super::session::running(id).count().single_value(),
                super::profile::kept(id).count().single_value(),
            ),
            (
                memberships::id.nullable(),
                OWNER.field(accounts::id).nullable(),
                memberships::role.nullable(),
                OWNER.field(accounts::email).nullable(),
                OWNER.field(accounts::name).nullable(),
            ),
        ));
    let rows: Vec<(Row<Account>, Beside, OnTeam)> = dialect::rows(c, rows).await?;
    let mut own: Option<OwnAccount> = None;
    for (account, beside, team) in rows {
        let new = || OwnAccount {
            account: account.into_inner(),
            mfa_enrolled: beside.enrolled_at.is_some(),
            running_sessions: counted(beside.sessions),
            profiles: counted(beside.profiles),
            teams: Vec::new(),
        };
        own.get_or_insert_with(new).teams.extend(team.seen());
    }
    Ok(own)
}

/// No table has so many rows of one account.
fn counted(rows: Option<i64>) -> u32 {
    u32::try_from(rows.unwrap_or(0)).unwrap_or(u32::MAX)
}

alias! {
    const OWNER: Alias<Owner> = accounts as owner;
}

seen! {
    struct Beside {
        enrolled_at: Option<Timestamp> = factors.enrolled_at,
        sessions: Option<i64> = sessions.id,
        profiles: Option<i64> = profiles.id,
    }

    struct OnTeam {
        membership: Option<MembershipId> = memberships.id,
        owner: Option<AccountId> = accounts.id,
        role: Option<Role> = memberships.role,
        owner_email: Option<Email> = accounts.email,
        owner_name: Option<Name> = accounts.name,
    }
}

impl OnTeam {
    /// Nothing where there is no team, or its owner has gone.
    fn seen(self) -> Option<OwnerSeen> {
        Some(OwnerSeen {
            membership: self.membership?,
            owner: self.owner?,
            owner_email: self.owner_email?,
            owner_name: self.owner_name,
            role: self.role?,
        })
    }
}

/// The columns that the holder may change. The rest (status, tier, address) is somebody else's.
async fn edit(c: &mut Conn, account: &Account) -> Answer<()> {
    let edited = update(accounts::table.find(b(&account.id)))
        .set((
            accounts::name.eq(b(&account.name)),
            accounts::time_zone.eq(b(&account.time_zone)),
            accounts::slug.eq(b(&account.slug)),
            accounts::region.eq(b(&account.region)),
            accounts::onboarding_completed_at.eq(b(&account.onboarding_completed_at)),
            accounts::updated_at.eq(b(&account.updated_at)),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(edited)
}
