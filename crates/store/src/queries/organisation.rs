use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::AccountStatus,
    change::{CommitError, Revision, StoreError},
    email::Email,
    id::{AccountId, TeamId},
    mail::OptionalMail,
    name::Name,
    notify::WishStore,
    organisation::{
        MemberChange, MemberNumber, NoticeChange, Organisation, OrganisationChoice, OrganisationNumber,
        OrganisationStore, OwnerShown, SeenMember, SeenNotices, SeenOrganisation,
    },
    policy::Role,
    team::Team,
    tier::Plan,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault, preference};
use crate::{
    cached::update,
    rows::{InTable, Row, seen},
    schema::{account_numbers, accounts, declined_mails, memberships, team_numbers, teams},
    types::b,
};

#[async_trait]
impl OrganisationStore for Store {
    #[instrument(level = "debug", name = "db.organisation.member", skip_all)]
    async fn seen_member(&self, person: AccountId, owner: AccountId) -> Result<Option<SeenMember>, StoreError> {
        self.read(move |c| seen_member(c, person, owner).boxed()).await
    }

    #[instrument(level = "debug", name = "db.organisation.of", skip_all)]
    async fn organisation(&self, owner: AccountId) -> Result<Option<Organisation>, StoreError> {
        self.read(move |c| organisation(c, owner).boxed()).await
    }

    #[instrument(level = "debug", name = "db.organisation.seen", skip_all)]
    async fn seen_organisation(
        &self,
        number: OrganisationNumber,
        person: AccountId,
    ) -> Result<Option<SeenOrganisation>, StoreError> {
        self.read(move |c| seen_organisation(c, number, person).boxed()).await
    }

    #[instrument(level = "debug", name = "db.organisation.choices", skip_all)]
    async fn organisations_of(&self, person: AccountId, limit: u16) -> Result<Vec<OrganisationChoice>, StoreError> {
        self.read(move |c| organisations_of(c, person, limit).boxed()).await
    }

    #[instrument(level = "debug", name = "db.organisation.notices", skip_all)]
    async fn seen_notices(&self, person: AccountId) -> Result<Option<SeenNotices>, StoreError> {
        self.read(move |c| seen_notices(c, person).boxed()).await
    }

    #[instrument(level = "debug", name = "db.organisation.commit_member", skip_all)]
    async fn commit_member(&self, it: &MemberChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| member(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.organisation.commit_notices", skip_all)]
    async fn commit_notices(&self, it: &NoticeChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| notices(c, it).boxed()).await
    }
}

#[async_trait]
impl WishStore for Store {
    #[instrument(level = "debug", name = "db.organisation.declines_severe", skip_all)]
    async fn declines_severe(&self, account: AccountId) -> Result<bool, StoreError> {
        self.read(move |c| declines_severe(c, account).boxed()).await
    }
}

seen! {
    struct Person {
        account: AccountId = accounts.id,
        number: MemberNumber = account_numbers.number,
        email: Email = accounts.email,
        name: Option<Name> = accounts.name,
        created_at: Timestamp = accounts.created_at,
        revision: Revision = accounts.revision,
    }

    struct OrganisationShown {
        number: OrganisationNumber = team_numbers.number,
        name: Name = teams.name,
        plan: Plan = teams.plan,
    }

    struct OwnerRow {
        number: MemberNumber = account_numbers.number,
        email: Email = accounts.email,
        name: Option<Name> = accounts.name,
    }

    struct Numbered {
        number: OrganisationNumber = team_numbers.number,
    }

    struct Target {
        team: TeamId = teams.id,
        owner: AccountId = accounts.id,
        owner_status: AccountStatus = accounts.status,
        owner_revision: Revision = accounts.revision,
        role: Option<Role> = memberships.role,
    }

    struct Choice {
        number: OrganisationNumber = team_numbers.number,
        name: Name = teams.name,
        owner: AccountId = teams.owner,
        role: Role = memberships.role,
    }

    struct Wishes {
        severe_declined: bool = accounts.severe_declined,
        revision: Revision = accounts.revision,
        declined: Option<OptionalMail> = declined_mails.mail,
    }

    struct Wish {
        severe_declined: bool = accounts.severe_declined,
    }
}

pub(crate) async fn seen_member(c: &mut Conn, person: AccountId, owner: AccountId) -> Answer<Option<SeenMember>> {
    let found: Option<(Person, OrganisationShown)> = accounts::table
        .inner_join(account_numbers::table.on(account_numbers::account.eq(accounts::id)))
        .inner_join(teams::table.on(teams::owner.eq(b(&owner))))
        .inner_join(team_numbers::table.on(team_numbers::team.eq(teams::id)))
        .filter(accounts::id.eq(b(&person)))
        .select((
            (
                accounts::id,
                account_numbers::number,
                accounts::email,
                accounts::name,
                accounts::created_at,
                accounts::revision,
            ),
            (team_numbers::number, teams::name, teams::plan),
        ))
        .get_result(c)
        .await
        .optional()?;
    Ok(found.map(|(person, organisation)| SeenMember {
        account: person.account,
        number: person.number,
        email: person.email,
        name: person.name,
        created_at: person.created_at,
        revision: person.revision,
        organisation: organisation.number,
        organisation_name: organisation.name,
        plan: organisation.plan,
    }))
}

pub(crate) async fn organisation(c: &mut Conn, owner: AccountId) -> Answer<Option<Organisation>> {
    let found: Option<(Row<Team>, Numbered, OwnerRow)> = teams::table
        .inner_join(team_numbers::table.on(team_numbers::team.eq(teams::id)))
        .inner_join(accounts::table.on(accounts::id.eq(teams::owner)))
        .inner_join(account_numbers::table.on(account_numbers::account.eq(accounts::id)))
        .filter(teams::owner.eq(b(&owner)))
        .select((Team::COLUMNS, (team_numbers::number,), (account_numbers::number, accounts::email, accounts::name)))
        .get_result(c)
        .await
        .optional()?;
    let Some((team, numbered, owner_row)) = found else { return Ok(None) };
    let others: i64 = memberships::table
        .filter(memberships::owner.eq(b(&owner)))
        .filter(memberships::removed_at.is_null())
        .count()
        .get_result(c)
        .await?;
    Ok(Some(Organisation {
        number: numbered.number,
        team: team.into_inner(),
        owner: OwnerShown { number: owner_row.number, email: owner_row.email, name: owner_row.name },
        members: others + 1,
    }))
}

pub(crate) async fn seen_organisation(
    c: &mut Conn,
    number: OrganisationNumber,
    person: AccountId,
) -> Answer<Option<SeenOrganisation>> {
    let found: Option<Target> = team_numbers::table
        .inner_join(teams::table.on(teams::id.eq(team_numbers::team)))
        .inner_join(accounts::table.on(accounts::id.eq(teams::owner)))
        .left_join(
            memberships::table.on(memberships::owner
                .eq(accounts::id)
                .and(memberships::member.eq(b(&person)))
                .and(memberships::removed_at.is_null())),
        )
        .filter(team_numbers::number.eq(b(&number)))
        .select((teams::id, accounts::id, accounts::status, accounts::revision, memberships::role.nullable()))
        .get_result(c)
        .await
        .optional()?;
    Ok(found.map(|it| SeenOrganisation {
        team: it.team,
        owner: it.owner,
        owner_status: it.owner_status,
        owner_revision: it.owner_revision,
        role: it.role,
    }))
}

pub(crate) async fn organisations_of(c: &mut Conn, person: AccountId, limit: u16) -> Answer<Vec<OrganisationChoice>> {
    let found: Vec<Choice> = memberships::table
        .inner_join(accounts::table.on(accounts::id.eq(memberships::owner)))
        .inner_join(teams::table.on(teams::owner.eq(accounts::id)))
        .inner_join(team_numbers::table.on(team_numbers::team.eq(teams::id)))
        .filter(memberships::member.eq(b(&person)))
        .filter(memberships::removed_at.is_null())
        .filter(accounts::status.eq(b(&AccountStatus::Active)))
        .order(memberships::id.desc())
        .limit(limit.into())
        .select((team_numbers::number, teams::name, teams::owner, memberships::role))
        .load(c)
        .await?;
    let choice =
        |it: Choice| OrganisationChoice { number: it.number, name: it.name, owner: it.owner, role: it.role.into() };
    Ok(found.into_iter().map(choice).collect())
}

/// A row for each mail that is declined, or one without.
pub(crate) async fn seen_notices(c: &mut Conn, person: AccountId) -> Answer<Option<SeenNotices>> {
    let rows: Vec<Wishes> = accounts::table
        .left_join(declined_mails::table.on(declined_mails::account.eq(accounts::id)))
        .filter(accounts::id.eq(b(&person)))
        .select((accounts::severe_declined, accounts::revision, declined_mails::mail.nullable()))
        .load(c)
        .await?;
    let [account, ..] = rows.as_slice() else { return Ok(None) };
    Ok(Some(SeenNotices {
        declined: rows.iter().filter_map(|row| row.declined).collect(),
        severe_declined: account.severe_declined,
        revision: account.revision,
    }))
}

async fn declines_severe(c: &mut Conn, account: AccountId) -> Answer<bool> {
    let found = accounts::table.find(b(&account)).select((accounts::severe_declined,));
    Ok(found.get_result::<Wish>(c).await.optional()?.is_some_and(|wish| wish.severe_declined))
}

async fn member(c: &mut Conn, it: &MemberChange) -> Answer<()> {
    if let Some(name) = &it.name {
        let named = update(accounts::table.find(b(&it.account)))
            .set((accounts::name.eq(b(&Some(name.clone()))), accounts::updated_at.eq(b(&it.at))))
            .execute(c)
            .await?;
        Fault::unless_one(named)?;
    }
    if let Some(team) = &it.active {
        let gone = update(accounts::table.find(b(&it.account)))
            .set((accounts::active_team.eq(b(team)), accounts::updated_at.eq(b(&it.at))))
            .execute(c)
            .await?;
        Fault::unless_one(gone)?;
    }
    Ok(())
}

async fn notices(c: &mut Conn, it: &NoticeChange) -> Answer<()> {
    for wished in &it.mails {
        preference::wish(c, it.account, *wished).await?;
    }
    if let Some(wanted) = it.severe {
        let set =
            update(accounts::table.find(b(&it.account))).set(accounts::severe_declined.eq(!wanted)).execute(c).await?;
        Fault::unless_one(set)?;
    }
    Ok(())
}
