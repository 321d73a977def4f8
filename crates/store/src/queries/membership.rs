use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::AccountStatus,
    change::{CommitError, Revision, StoreError},
    email::Email,
    id::{AccountId, ApiKeyId, MembershipId},
    membership::{Membership, MembershipStore, OwnerSeen, Removal, RoleChange, SeenMembership},
    name::Name,
    page::{Page, PageRequest, Position},
    policy::Role,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{
    super::Store,
    Answer, Conn, Fault, api_key,
    page::{below_id, rows_to_fetch},
};
use crate::{
    cached::update,
    rows::seen,
    schema::{accounts, api_keys, memberships},
    types::b,
};

#[async_trait]
impl MembershipStore for Store {
    #[instrument(level = "debug", name = "db.membership.page", skip_all)]
    async fn members(&self, owner: AccountId, page: PageRequest) -> Result<Page<Membership>, StoreError> {
        self.read(move |c| members(c, owner, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.membership.owners", skip_all)]
    async fn owners(&self, member: AccountId, page: PageRequest) -> Result<Page<OwnerSeen>, StoreError> {
        self.read(move |c| owners(c, member, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.membership.seen", skip_all)]
    async fn seen_membership(&self, id: MembershipId) -> Result<Option<SeenMembership>, StoreError> {
        self.read(move |c| seen_membership(c, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.api_key.in_hands", skip_all)]
    async fn keys_in_hands_of(&self, owner: AccountId, member: AccountId) -> Result<Vec<ApiKeyId>, StoreError> {
        self.read(move |c| keys_in_hands_of(c, owner, member).boxed()).await
    }

    #[instrument(level = "debug", name = "db.membership.commit_role", skip_all)]
    async fn commit_role_change(&self, it: &RoleChange) -> Result<(), CommitError> {
        self.commit(it, |c, it| role_change(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.membership.commit_removal", skip_all)]
    async fn commit_removal(&self, it: &Removal) -> Result<(), CommitError> {
        self.commit(it, |c, it| removal(c, it).boxed()).await
    }
}

seen! {
    struct MembershipRow {
        id: MembershipId = memberships.id,
        owner: AccountId = memberships.owner,
        member: AccountId = memberships.member,
        role: Role = memberships.role,
        invited_at: Timestamp = memberships.invited_at,
        accepted_at: Timestamp = memberships.accepted_at,
        invited_by: Option<AccountId> = memberships.invited_by,
        member_email: Email = accounts.email,
    }

    struct OwnerRow {
        membership: MembershipId = memberships.id,
        owner: AccountId = memberships.owner,
        role: Role = memberships.role,
        owner_email: Email = accounts.email,
        owner_name: Option<Name> = accounts.name,
    }

    struct State {
        removed_at: Option<Timestamp> = memberships.removed_at,
        owner_revision: Revision = accounts.revision,
    }

    struct KeyInHands {
        id: ApiKeyId = api_keys.id,
    }
}

/// The columns of a [`MembershipRow`], the last one from the account that is its member.
macro_rules! membership_columns {
    ($member_email:expr) => {
        (
            memberships::id,
            memberships::owner,
            memberships::member,
            memberships::role,
            memberships::invited_at,
            memberships::accepted_at,
            memberships::invited_by,
            $member_email,
        )
    };
}

impl From<MembershipRow> for Membership {
    fn from(row: MembershipRow) -> Self {
        Self {
            id: row.id,
            owner: row.owner,
            member: row.member,
            member_email: row.member_email,
            role: row.role,
            invited_at: row.invited_at,
            accepted_at: row.accepted_at,
            invited_by: row.invited_by,
        }
    }
}

impl From<OwnerRow> for OwnerSeen {
    fn from(row: OwnerRow) -> Self {
        Self {
            membership: row.membership,
            owner: row.owner,
            owner_email: row.owner_email,
            owner_name: row.owner_name,
            role: row.role,
        }
    }
}

pub(crate) async fn members(c: &mut Conn, owner: AccountId, page: PageRequest) -> Answer<Page<Membership>> {
    let rows = memberships::table
        .inner_join(accounts::table.on(accounts::id.eq(memberships::member)))
        .filter(memberships::owner.eq(b(&owner)))
        .filter(memberships::removed_at.is_null())
        .filter(memberships::id.lt(below_id(&page)))
        .order(memberships::id.desc())
        .limit(rows_to_fetch(&page))
        .select(membership_columns!(accounts::email))
        .load::<MembershipRow>(c)
        .await?;
    let members = rows.into_iter().map(Membership::from).collect();
    Ok(page.page(members, |it: &Membership| Position(it.id.uuid().as_u128())))
}

pub(crate) async fn owners(c: &mut Conn, member: AccountId, page: PageRequest) -> Answer<Page<OwnerSeen>> {
    let rows = memberships::table
        .inner_join(accounts::table.on(accounts::id.eq(memberships::owner)))
        .filter(memberships::member.eq(b(&member)))
        .filter(memberships::removed_at.is_null())
        .filter(memberships::id.lt(below_id(&page)))
        .filter(accounts::status.ne(b(&AccountStatus::Deleted)))
        .order(memberships::id.desc())
        .limit(rows_to_fetch(&page))
        .select((memberships::id, memberships::owner, memberships::role, accounts::email, accounts::name))
        .load::<OwnerRow>(c)
        .await?;
    let owners = rows.into_iter().map(OwnerSeen::from).collect();
    Ok(page.page(owners, |it: &OwnerSeen| Position(it.membership.uuid().as_u128())))
}

pub(crate) async fn seen_membership(c: &mut Conn, id: MembershipId) -> Answer<Option<SeenMembership>> {
    let member = diesel::alias!(accounts as member);
    let found = memberships::table
        .inner_join(accounts::table.on(accounts::id.eq(memberships::owner)))
        .inner_join(member.on(member.field(accounts::id).eq(memberships::member)))
        .filter(memberships::id.eq(b(&id)))
        .select((membership_columns!(member.field(accounts::email)), (memberships::removed_at, accounts::revision)))
        .get_result::<(MembershipRow, State)>(c)
        .await
        .optional()?;
    Ok(found.map(seen))
}

fn seen((membership, State { removed_at, owner_revision }): (MembershipRow, State)) -> SeenMembership {
    SeenMembership { membership: membership.into(), owner_revision, removed_at }
}

/// What somebody is on, of owners in whatever state.
pub(super) async fn active_of(c: &mut Conn, member: AccountId) -> Answer<Vec<SeenMembership>> {
    let on = diesel::alias!(accounts as member);
    let rows = memberships::table
        .inner_join(accounts::table.on(accounts::id.eq(memberships::owner)))
        .inner_join(on.on(on.field(accounts::id).eq(memberships::member)))
        .filter(memberships::member.eq(b(&member)))
        .filter(memberships::removed_at.is_null())
        .order(memberships::id)
        .select((membership_columns!(on.field(accounts::email)), (memberships::removed_at, accounts::revision)))
        .load::<(MembershipRow, State)>(c)
        .await?;
    Ok(rows.into_iter().map(seen).collect())
}

pub(crate) async fn keys_in_hands_of(c: &mut Conn, owner: AccountId, member: AccountId) -> Answer<Vec<ApiKeyId>> {
    let rows = api_keys::table
        .filter(api_keys::account.eq(b(&owner)))
        .filter(api_keys::minted_by.eq(b(&member)))
        .filter(api_keys::revoked_at.is_null())
        .order(api_keys::id)
        .select((api_keys::id,))
        .load::<KeyInHands>(c)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

pub(super) async fn insert(c: &mut Conn, it: &Membership) -> Answer<()> {
    dsl::insert_into(memberships::table)
        .values((
            memberships::id.eq(b(&it.id)),
            memberships::owner.eq(b(&it.owner)),
            memberships::member.eq(b(&it.member)),
            memberships::role.eq(b(&it.role)),
            memberships::invited_at.eq(b(&it.invited_at)),
            memberships::accepted_at.eq(b(&it.accepted_at)),
            memberships::invited_by.eq(b(&it.invited_by)),
        ))
        .execute(c)
        .await?;
    Ok(())
}

async fn role_change(c: &mut Conn, it: &RoleChange) -> Answer<()> {
    let changed = update(memberships::table.find(b(&it.membership)).filter(memberships::removed_at.is_null()))
        .set(memberships::role.eq(b(&it.role)))
        .execute(c)
        .await?;
    Fault::unless_one(changed)
}

async fn removal(c: &mut Conn, it: &Removal) -> Answer<()> {
    let removed = update(memberships::table.find(b(&it.membership)).filter(memberships::removed_at.is_null()))
        .set(memberships::removed_at.eq(b(&Some(it.at))))
        .execute(c)
        .await?;
    Fault::unless_one(removed)?;
    api_key::revoke(c, &it.keys, it.at).await
}
