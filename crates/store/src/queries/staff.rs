use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::{Account, AccountStatus},
    change::{CommitError, Revision, StoreError},
    email::Email,
    id::{AccountId, MembershipId},
    mail::OptionalMail,
    page::{Page, PageRequest, Position},
    staff::{
        AccountListed, EmailStart, OperatorKey, OverrideChange, OwnershipTransfer, PlanChange, SeenAccount,
        StaffChange, StaffStore, StatusChange, SupportNote, Tie, TierChange,
    },
    team::Team,
    tier::Overrides,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;
use uuid::Uuid;

use super::{
    super::Store,
    Answer, Conn, Fault, api_key,
    page::{below_id, rows_to_fetch},
    transfer,
};
use crate::{
    cached::update,
    rows::{InTable, Row, seen},
    schema::{accounts, declined_mails, memberships, teams},
    types::{Key, b},
};

#[async_trait]
impl StaffStore for Store {
    #[instrument(level = "debug", name = "db.account.by_email", skip_all)]
    async fn account_by_email(&self, email: &Email) -> Result<Option<SeenAccount>, StoreError> {
        let email = email.clone();
        self.read(move |c| by_email(c, email).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.by_id", skip_all)]
    async fn account(&self, id: AccountId) -> Result<Option<SeenAccount>, StoreError> {
        self.read(move |c| by_id(c, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.page", skip_all)]
    async fn accounts(&self, page: PageRequest) -> Result<Page<AccountListed>, StoreError> {
        self.read(move |c| newest(c, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.page_by_email", skip_all)]
    async fn accounts_by_email(
        &self,
        start: &EmailStart,
        page: PageRequest,
    ) -> Result<Page<AccountListed>, StoreError> {
        let start = start.clone();
        self.read(move |c| beginning_so(c, start, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.tie", skip_all)]
    async fn tie(&self, owner: AccountId, other: AccountId) -> Result<Tie, StoreError> {
        self.read(move |c| tie(c, owner, other).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_tier", skip_all)]
    async fn commit_tier(&self, it: &TierChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| tier(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.team.commit_plan", skip_all)]
    async fn commit_plan(&self, it: &PlanChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| plan(c, &it.team).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_status", skip_all)]
    async fn commit_status(&self, it: &StatusChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| status(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_overrides", skip_all)]
    async fn commit_overrides(&self, it: &OverrideChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| overrides(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_note", skip_all)]
    async fn commit_note(&self, it: &SupportNote) -> Result<(), CommitError> {
        // A note is its entry.
        self.commit(it, |_, _| async { Ok(()) }.boxed()).await
    }

    #[instrument(level = "debug", name = "db.team.commit_transfer", skip_all)]
    async fn commit_transfer(&self, it: &OwnershipTransfer) -> Result<(), CommitError> {
        self.commit(it, |c, it| transfer::transfer(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.account.commit_staff", skip_all)]
    async fn commit_staff(&self, it: &StaffChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| staff(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.api_key.commit_operator_key", skip_all)]
    async fn commit_operator_key(&self, it: &OperatorKey) -> Result<(), CommitError> {
        self.commit(it, |c, it| api_key::insert(c, &it.key).boxed()).await
    }
}

seen! {
    struct Beside {
        staff: bool = accounts.staff,
        email_verified_at: Option<Timestamp> = accounts.email_verified_at,
        overrides: Option<Overrides> = accounts.limit_overrides,
        revision: Revision = accounts.revision,
        declined: Option<OptionalMail> = declined_mails.mail,
    }

    struct IsStaff {
        staff: bool = accounts.staff,
    }

    struct Address {
        email: Email = accounts.email,
    }

    struct Tied {
        id: MembershipId = memberships.id,
    }
}

/// The account with its team, for the one whose row meets the filter.
macro_rules! seen_account {
    ($c:expr, $filter:expr) => {{
        let declined =
            declined_mails::account.eq(accounts::id).and(declined_mails::mail.eq(b(&OptionalMail::TierChanged)));
        let found = accounts::table
            .inner_join(teams::table.on(teams::owner.eq(accounts::id)))
            .left_join(declined_mails::table.on(declined))
            .filter($filter)
            .filter(accounts::status.ne(b(&AccountStatus::Deleted)))
            .select((
                Account::COLUMNS,
                Team::COLUMNS,
                (
                    accounts::staff,
                    accounts::email_verified_at,
                    accounts::limit_overrides,
                    accounts::revision,
                    declined_mails::mail.nullable(),
                ),
            ))
            .get_result::<(Row<Account>, Row<Team>, Beside)>($c)
            .await
            .optional()?;
        Ok(found.map(|(account, team, beside)| beside.with(account.into_inner(), team.into_inner())))
    }};
}

impl Beside {
    fn with(self, account: Account, team: Team) -> SeenAccount {
        SeenAccount {
            account,
            staff: self.staff,
            email_verified_at: self.email_verified_at,
            overrides: self.overrides.unwrap_or_default(),
            team,
            revision: self.revision,
            wants_tier_mail: self.declined.is_none(),
        }
    }
}

pub(crate) async fn by_email(c: &mut Conn, email: Email) -> Answer<Option<SeenAccount>> {
    seen_account!(c, accounts::email.eq(b(&email)))
}

pub(crate) async fn by_id(c: &mut Conn, id: AccountId) -> Answer<Option<SeenAccount>> {
    seen_account!(c, accounts::id.eq(b(&id)))
}

pub(crate) async fn newest(c: &mut Conn, page: PageRequest) -> Answer<Page<AccountListed>> {
    let rows = accounts::table
        .filter(accounts::id.lt(below_id(&page)))
        .filter(accounts::status.ne(b(&AccountStatus::Deleted)))
        .order(accounts::id.desc())
        .limit(rows_to_fetch(&page))
        .select((Account::COLUMNS, (accounts::staff,)))
        .load::<(Row<Account>, IsStaff)>(c)
        .await?;
    Ok(listed(&page, rows))
}

/// In the order of the addresses: in that of the ids, all that begin so would have to be sorted for a page.
pub(crate) async fn beginning_so(c: &mut Conn, start: EmailStart, page: PageRequest) -> Answer<Page<AccountListed>> {
    let last = page.after.map(|after| Uuid::from_u128(after.0));
    let from = match last {
        Some(last) => address_of(c, last).await?,
        None => None,
    };
    let rows = accounts::table
        .filter(accounts::email.ge(from.unwrap_or_else(|| start.as_str().to_owned())))
        .filter(accounts::email.lt(start.behind()))
        .filter(accounts::id.ne(Key(last.unwrap_or_default())))
        .filter(accounts::status.ne(b(&AccountStatus::Deleted)))
        .order(accounts::email)
        .limit(rows_to_fetch(&page))
        .select((Account::COLUMNS, (accounts::staff,)))
        .load::<(Row<Account>, IsStaff)>(c)
        .await?;
    Ok(listed(&page, rows))
}

async fn address_of(c: &mut Conn, id: Uuid) -> Answer<Option<String>> {
    let found = accounts::table.find(Key(id)).select((accounts::email,)).get_result::<Address>(c).await.optional()?;
    Ok(found.map(|row| row.email.into()))
}

fn listed(page: &PageRequest, rows: Vec<(Row<Account>, IsStaff)>) -> Page<AccountListed> {
    let rows = rows.into_iter().map(|(account, it)| AccountListed { account: account.into_inner(), staff: it.staff });
    page.page(rows.collect(), |row: &AccountListed| Position(row.account.id.uuid().as_u128()))
}

pub(crate) async fn tie(c: &mut Conn, owner: AccountId, other: AccountId) -> Answer<Tie> {
    let membership = memberships::table
        .filter(memberships::owner.eq(b(&owner)))
        .filter(memberships::member.eq(b(&other)))
        .filter(memberships::removed_at.is_null())
        .select((memberships::id,))
        .get_result::<Tied>(c)
        .await
        .optional()?;
    let own_member = memberships::table
        .filter(memberships::owner.eq(b(&other)))
        .filter(memberships::removed_at.is_null())
        .select((memberships::id,))
        .get_result::<Tied>(c)
        .await
        .optional()?;
    Ok(Tie { membership: membership.map(|row| row.id), has_members: own_member.is_some() })
}

async fn tier(c: &mut Conn, it: &TierChange) -> Answer<()> {
    let changed = update(accounts::table.find(b(&it.account)))
        .set((accounts::tier.eq(b(&it.tier)), accounts::updated_at.eq(b(&it.at))))
        .execute(c)
        .await?;
    Fault::unless_one(changed)
}

async fn plan(c: &mut Conn, team: &Team) -> Answer<()> {
    let changed = update(teams::table.find(b(&team.id)).filter(teams::owner.eq(b(&team.owner))))
        .set((teams::plan.eq(b(&team.plan)), teams::updated_at.eq(b(&team.updated_at))))
        .execute(c)
        .await?;
    Fault::unless_one(changed)
}

async fn status(c: &mut Conn, it: &StatusChange) -> Answer<()> {
    let changed = update(accounts::table.find(b(&it.account)).filter(accounts::status.eq(b(&it.from))))
        .set((accounts::status.eq(b(&it.to)), accounts::updated_at.eq(b(&it.at))))
        .execute(c)
        .await?;
    Fault::unless_one(changed)
}

async fn overrides(c: &mut Conn, it: &OverrideChange) -> Answer<()> {
    let kept = (it.overrides != Overrides::NONE).then_some(it.overrides);
    let changed =
        update(accounts::table.find(b(&it.account))).set(accounts::limit_overrides.eq(b(&kept))).execute(c).await?;
    Fault::unless_one(changed)
}

async fn staff(c: &mut Conn, it: &StaffChange) -> Answer<()> {
    let changed = update(accounts::table.find(b(&it.account)))
        .set((accounts::staff.eq(it.staff), accounts::updated_at.eq(b(&it.at))))
        .execute(c)
        .await?;
    Fault::unless_one(changed)
}
