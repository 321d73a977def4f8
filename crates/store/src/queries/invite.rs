use async_trait::async_trait;
use diesel::{alias, dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::AccountStatus,
    change::{CommitError, Revision, StoreError},
    email::Email,
    id::{AccountId, InviteId, MembershipId},
    membership::{
        Acceptance, Invitation, Invite, InviteRevocation, InviteStore, Resending, SeenInvite, SeenInvitee, SeenToken,
    },
    name::Name,
    page::{Page, PageRequest, Position},
    secret::Digest,
    time::Timestamp,
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{
    super::Store,
    Answer, Conn, Fault, membership,
    page::{below_id, rows_to_fetch},
};
use crate::{
    cached::update,
    rows::{InTable, Row, seen},
    schema::{accounts, invites, memberships, teams},
    types::b,
};

#[async_trait]
impl InviteStore for Store {
    #[instrument(level = "debug", name = "db.invite.page", skip_all)]
    async fn pending_invites(
        &self,
        owner: AccountId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Invite>, StoreError> {
        self.read(move |c| pending(c, owner, now, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.invite.seen_invitee", skip_all)]
    async fn seen_invitee(&self, owner: AccountId, email: &Email) -> Result<Option<SeenInvitee>, StoreError> {
        let email = email.clone();
        self.read(move |c| seen_invitee(c, owner, email).boxed()).await
    }

    #[instrument(level = "debug", name = "db.invite.seen", skip_all)]
    async fn seen_invite(&self, owner: AccountId, id: InviteId) -> Result<Option<SeenInvite>, StoreError> {
        self.read(move |c| seen_invite(c, owner, id).boxed()).await
    }

    #[instrument(level = "debug", name = "db.invite.seen_token", skip_all)]
    async fn seen_token(&self, token: &Digest, taker: AccountId) -> Result<Option<SeenToken>, StoreError> {
        let token = *token;
        self.read(move |c| seen_token(c, token, taker).boxed()).await
    }

    #[instrument(level = "debug", name = "db.invite.commit", skip_all)]
    async fn commit_invitation(&self, it: &Invitation) -> Result<(), CommitError> {
        self.commit(it, |c, it| invitation(c, &it.invite).boxed()).await
    }

    #[instrument(level = "debug", name = "db.invite.commit_resending", skip_all)]
    async fn commit_resending(&self, it: &Resending) -> Result<(), CommitError> {
        self.commit(it, |c, it| resending(c, &it.invite).boxed()).await
    }

    #[instrument(level = "debug", name = "db.invite.commit_revocation", skip_all)]
    async fn commit_invite_revocation(&self, it: &InviteRevocation) -> Result<(), CommitError> {
        self.commit(it, |c, it| revocation(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.invite.commit_acceptance", skip_all)]
    async fn commit_acceptance(&self, it: &Acceptance) -> Result<(), CommitError> {
        self.commit(it, |c, it| acceptance(c, it).boxed()).await
    }
}

alias! {
    const TAKER: Alias<Taker> = accounts as taker;
}

/// Neither accepted nor voided; it may have expired.
macro_rules! open {
    () => {
        invites::accepted_at.is_null().and(invites::voided_at.is_null())
    };
}

pub(crate) async fn pending(c: &mut Conn, owner: AccountId, now: Timestamp, page: PageRequest) -> Answer<Page<Invite>> {
    let rows = invites::table
        .filter(invites::owner.eq(b(&owner)))
        .filter(open!())
        .filter(invites::expires_at.gt(b(&now)))
        .filter(invites::id.lt(below_id(&page)))
        .order(invites::id.desc())
        .limit(rows_to_fetch(&page))
        .select(Invite::COLUMNS)
        .load::<Row<Invite>>(c)
        .await?;
    let invites = rows.into_iter().map(Row::into_inner).collect();
    Ok(page.page(invites, |invite: &Invite| Position(invite.id.uuid().as_u128())))
}

seen! {
    struct InviteeRow {
        owner_email: Email = accounts.email,
        team: Name = teams.name,
        membership: Option<MembershipId> = memberships.id,
    }

    struct TeamName {
        team: Name = teams.name,
    }

    struct TokenRow {
        owner_status: AccountStatus = accounts.status,
        owner_revision: Revision = accounts.revision,
        taker_email: Email = accounts.email,
        membership: Option<MembershipId> = memberships.id,
    }
}

pub(crate) async fn seen_invitee(c: &mut Conn, owner: AccountId, email: Email) -> Answer<Option<SeenInvitee>> {
    let active = memberships::owner
        .eq(accounts::id)
        .and(memberships::member.nullable().eq(TAKER.field(accounts::id).nullable()))
        .and(memberships::removed_at.is_null());
    let found = accounts::table
        .inner_join(teams::table.on(teams::owner.eq(accounts::id)))
        .left_join(TAKER.on(TAKER.field(accounts::email).eq(b(&email))))
        .left_join(memberships::table.on(active))
        .filter(accounts::id.eq(b(&owner)))
        .select((accounts::email, teams::name, memberships::id.nullable()))
        .get_result::<InviteeRow>(c)
        .await
        .optional()?;
    Ok(found.map(|row| SeenInvitee {
        owner_email: row.owner_email,
        team: row.team,
        is_member: row.membership.is_some(),
    }))
}

async fn seen_invite(c: &mut Conn, owner: AccountId, id: InviteId) -> Answer<Option<SeenInvite>> {
    let found = invites::table
        .inner_join(teams::table.on(teams::owner.eq(invites::owner)))
        .filter(invites::id.eq(b(&id)))
        .filter(invites::owner.eq(b(&owner)))
        .select((Invite::COLUMNS, (teams::name,)))
        .get_result::<(Row<Invite>, TeamName)>(c)
        .await
        .optional()?;
    Ok(found.map(|(invite, TeamName { team })| SeenInvite { invite: invite.into_inner(), team }))
}

pub(crate) async fn seen_token(c: &mut Conn, token: Digest, taker: AccountId) -> Answer<Option<SeenToken>> {
    let active = memberships::owner
        .eq(invites::owner)
        .and(memberships::member.eq(TAKER.field(accounts::id)))
        .and(memberships::removed_at.is_null());
    let found = invites::table
        .inner_join(accounts::table.on(accounts::id.eq(invites::owner)))
        .inner_join(TAKER.on(TAKER.field(accounts::id).eq(b(&taker))))
        .left_join(memberships::table.on(active))
        .filter(invites::token.eq(b(&token)))
        .select((
            Invite::COLUMNS,
            (accounts::status, accounts::revision, TAKER.field(accounts::email), memberships::id.nullable()),
        ))
        .get_result::<(Row<Invite>, TokenRow)>(c)
        .await
        .optional()?;
    Ok(found.map(|(invite, row)| SeenToken {
        invite: invite.into_inner(),
        owner_status: row.owner_status,
        owner_revision: row.owner_revision,
        taker_email: row.taker_email,
        taker_is_member: row.membership.is_some(),
    }))
}

async fn invitation(c: &mut Conn, invite: &Invite) -> Answer<()> {
    let earlier = invites::owner.eq(b(&invite.owner)).and(invites::email.eq(b(&invite.email)));
    // However many there are: none is left.
    update(invites::table.filter(earlier).filter(open!()))
        .set(invites::voided_at.eq(b(&Some(invite.created_at))))
        .execute(c)
        .await?;
    dsl::insert_into(invites::table).values(invite).execute(c).await?;
    Ok(())
}

async fn resending(c: &mut Conn, invite: &Invite) -> Answer<()> {
    let renewed = update(invites::table.find(b(&invite.id)).filter(open!()))
        .set((invites::token.eq(b(&invite.token)), invites::expires_at.eq(b(&invite.expires_at))))
        .execute(c)
        .await?;
    Fault::unless_one(renewed)
}

async fn revocation(c: &mut Conn, it: &InviteRevocation) -> Answer<()> {
    let voided = update(invites::table.find(b(&it.invite)).filter(open!()))
        .set(invites::voided_at.eq(b(&Some(it.at))))
        .execute(c)
        .await?;
    Fault::unless_one(voided)
}

async fn acceptance(c: &mut Conn, it: &Acceptance) -> Answer<()> {
    let accepted = update(invites::table.find(b(&it.invite)).filter(open!()))
        .set(invites::accepted_at.eq(b(&Some(it.membership.accepted_at))))
        .execute(c)
        .await?;
    Fault::unless_one(accepted)?;
    membership::insert(c, &it.membership).await
}
