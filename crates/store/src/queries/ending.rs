use async_trait::async_trait;
use diesel::{dsl, prelude::*};
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    account::{AccountStatus, Region, Slug, TimeZone},
    auth::PasswordHash,
    avatar::AvatarKey,
    change::{CommitError, Revision, StoreError},
    email::Email,
    ending::{Deletion, Departure, EndingStore, Purge, PurgePlace, SeenEnding, SeenPurge},
    id::{AccountId, EventId, TeamId},
    membership::SeenMembership,
    name::Name,
    tier::Overrides,
    time::Timestamp,
    webhook::{EventData, Excerpt, forget_member},
};
use futures_util::FutureExt;
use tracing::instrument;
use uuid::Uuid;

use super::{
    super::Store, Answer, Conn, Fault, api_key, challenge, delivery, link, membership, session, transfer, web_session,
};
use crate::{
    cached::update,
    rows::seen,
    schema::{
        account_keys, accounts, activations, api_keys, avatars, challenges, declined_mails, factors, invites,
        link_requests, links, mails, memberships, profiles, recovery_codes, sessions, teams, usage_days, web_sessions,
        webhook_deliveries, webhook_endpoints, webhook_events,
    },
    types::{Key, b},
};

#[async_trait]
impl EndingStore for Store {
    #[instrument(level = "debug", name = "db.ending.seen", skip_all)]
    async fn seen_ending(&self, account: AccountId) -> Result<Option<SeenEnding>, StoreError> {
        self.read(move |c| seen_ending(c, account).boxed()).await
    }

    #[instrument(level = "debug", name = "db.ending.commit_deletion", skip_all)]
    async fn commit_deletion(&self, it: &Deletion) -> Result<(), CommitError> {
        self.commit(it, |c, it| deletion(c, it).boxed()).await
    }

    #[instrument(level = "debug", name = "db.ending.due", skip_all)]
    async fn due_purges(
        &self,
        now: Timestamp,
        behind: Option<PurgePlace>,
        limit: u16,
    ) -> Result<Vec<SeenPurge>, StoreError> {
        self.read(move |c| due(c, now, behind, limit).boxed()).await
    }

    #[instrument(level = "debug", name = "db.ending.due_one", skip_all)]
    async fn due_purge(&self, account: AccountId, now: Timestamp) -> Result<Option<SeenPurge>, StoreError> {
        self.read(move |c| due_one(c, account, now).boxed()).await
    }

    #[instrument(level = "debug", name = "db.ending.commit_purge", skip_all)]
    async fn commit_purge(&self, it: &Purge) -> Result<(), CommitError> {
        self.commit(it, |c, it| purge(c, it).boxed()).await
    }
}

seen! {
    struct Ending {
        email: Email = accounts.email,
        status: AccountStatus = accounts.status,
    }

    struct Due {
        account: AccountId = accounts.id,
        purge_at: Option<Timestamp> = accounts.purge_at,
        email: Email = accounts.email,
        avatar: Option<AvatarKey> = accounts.avatar,
        revision: Revision = accounts.revision,
    }

    pub(crate) struct ToldRow {
        id: EventId = webhook_events.id,
        data: EventData = webhook_events.data,
    }
}

/// The columns of a [`Due`].
macro_rules! due_columns {
    () => {
        (accounts::id, accounts::purge_at, accounts::email, accounts::avatar, accounts::revision)
    };
}

impl Due {
    fn seen(self) -> Option<SeenPurge> {
        let Self { account, purge_at, email, avatar, revision } = self;
        Some(SeenPurge { account, purge_at: purge_at?, email, avatar, revision })
    }
}

/// The revisions of the owners come before the keys on their accounts.
async fn seen_ending(c: &mut Conn, account: AccountId) -> Answer<Option<SeenEnding>> {
    let found = accounts::table.find(b(&account)).select((accounts::email, accounts::status));
    let Some(Ending { email, status }) = found.get_result::<Ending>(c).await.optional()? else { return Ok(None) };
    let mut departures = Vec::new();
    for SeenMembership { membership, owner_revision, .. } in membership::active_of(c, account).await? {
        let keys = membership::keys_in_hands_of(c, membership.owner, account).await?;
        departures.push(Departure { membership, owner_revision, keys });
    }
    let keys = api_key::unrevoked(c, account).await?;
    let running = session::all_running(c, account).await?;
    Ok(Some(SeenEnding { email, status, departures, keys, running }))
}

async fn deletion(c: &mut Conn, it: &Deletion) -> Answer<()> {
    let active = accounts::table.find(b(&it.account)).filter(accounts::status.eq(b(&AccountStatus::Active)));
    let deleted = update(active)
        .set((
            accounts::status.eq(b(&AccountStatus::Deleted)),
            accounts::purge_at.eq(b(&Some(it.purge_at))),
            accounts::updated_at.eq(b(&it.at)),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(deleted)?;
    leave(c, it).await?;
    end_sessions(c, it).await?;
    web_session::end_all(c, it.account, it.at).await?;
    api_key::revoke_all(c, it.account, it.keys.len(), it.at).await?;
    transfer::void_invites(c, it.account, it.at).await?;
    link::void_all(c, it.account, it.at).await?;
    challenge::forget_all(c, it.account).await
}

/// Whoever begins a session moves no revision; so it is looked whether there is another one.
async fn end_sessions(c: &mut Conn, it: &Deletion) -> Answer<()> {
    for ended in &it.sessions {
        session::end(c, ended).await?;
    }
    if session::count_running(c, it.account).await? == 0 { Ok(()) } else { Err(Fault::Stale) }
}

/// Leaves every team. Whoever joins one moves the revision of its owner, not their own; so the number is looked at.
async fn leave(c: &mut Conn, it: &Deletion) -> Answer<()> {
    let active = memberships::member.eq(b(&it.account)).and(memberships::removed_at.is_null());
    let left =
        update(memberships::table.filter(active)).set(memberships::removed_at.eq(b(&Some(it.at)))).execute(c).await?;
    Fault::unless_all(left, it.departures.len())?;
    for departure in &it.departures {
        api_key::revoke(c, &departure.keys, it.at).await?;
    }
    Ok(())
}

/// Brings a deleted account back, unless it is purged: then it is `Stale`.
pub(super) async fn restore(c: &mut Conn, account: AccountId, at: Timestamp) -> Answer<()> {
    let in_grace = accounts::status.eq(b(&AccountStatus::Deleted)).and(accounts::purge_at.is_not_null());
    let restored = update(accounts::table.find(b(&account)).filter(in_grace.assume_not_null()))
        .set((
            accounts::status.eq(b(&AccountStatus::Active)),
            accounts::purge_at.eq(b(&None::<Timestamp>)),
            accounts::updated_at.eq(b(&at)),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(restored)
}

pub(crate) async fn due(
    c: &mut Conn,
    now: Timestamp,
    behind: Option<PurgePlace>,
    limit: u16,
) -> Answer<Vec<SeenPurge>> {
    // Nobody stands at the first place of all.
    let PurgePlace { purge_at, account } =
        behind.unwrap_or(PurgePlace { purge_at: Timestamp::MIN, account: AccountId::new(Uuid::nil()) });
    let behind = accounts::purge_at.gt(b(&Some(purge_at))).or(accounts::id.gt(b(&account)));
    let rows = accounts::table
        .filter(accounts::purge_at.le(b(&Some(now))))
        .filter(accounts::purge_at.ge(b(&Some(purge_at))))
        .filter(behind)
        .order((accounts::purge_at, accounts::id))
        .limit(i64::from(limit))
        .select(due_columns!())
        .load::<Due>(c)
        .await?;
    Ok(rows.into_iter().filter_map(Due::seen).collect())
}

async fn due_one(c: &mut Conn, account: AccountId, now: Timestamp) -> Answer<Option<SeenPurge>> {
    let found = accounts::table
        .find(b(&account))
        .filter(accounts::purge_at.le(b(&Some(now))))
        .select(due_columns!())
        .get_result::<Due>(c)
        .await
        .optional()?;
    Ok(found.and_then(Due::seen))
}

/// Whoever adds a table that says something of an account adds it here. A case of the contract looks through all tables.
///
/// The account itself comes last. To change its address is to shut out everybody whose row refers to it, and whoever holds such a
/// row (a delivery that is being noted) would wait here while this waits for the row.
async fn purge(c: &mut Conn, it: &Purge) -> Answer<()> {
    hand_picture_to_sweeper(c, it).await?;
    forget_ways_in(c, it.account).await?;
    forget_workspace(c, it).await?;
    forget_mails(c, it).await?;
    forget_records(c, it.account).await?;
    forget_webhooks(c, it.account).await?;
    forget_what_others_were_told(c, it.account).await?;
    // With its keys goes what the log says of people.
    dsl::delete(account_keys::table.filter(account_keys::account.eq(b(&it.account)))).execute(c).await?;
    anonymise(c, it).await
}

async fn anonymise(c: &mut Conn, it: &Purge) -> Answer<()> {
    let due = accounts::table
        .find(b(&it.account))
        .filter(accounts::status.eq(b(&AccountStatus::Deleted)))
        .filter(accounts::purge_at.le(b(&Some(it.at))));
    let purged = update(due)
        .set((
            accounts::email.eq(b(&it.placeholder)),
            accounts::name.eq(b(&None::<Name>)),
            accounts::time_zone.eq(b(&None::<TimeZone>)),
            accounts::slug.eq(b(&None::<Slug>)),
            accounts::region.eq(b(&None::<Region>)),
            accounts::onboarding_completed_at.eq(b(&None::<Timestamp>)),
            accounts::password_hash.eq(b(&PasswordHash::none())),
            accounts::email_verified_at.eq(b(&None::<Timestamp>)),
            accounts::staff.eq(false),
            accounts::avatar.eq(b(&None::<AvatarKey>)),
            accounts::limit_overrides.eq(b(&None::<Overrides>)),
            accounts::active_team.eq(b(&None::<TeamId>)),
            accounts::severe_declined.eq(false),
            accounts::updated_at.eq(b(&it.at)),
            accounts::purge_at.eq(b(&None::<Timestamp>)),
            accounts::purged_at.eq(b(&Some(it.at))),
        ))
        .execute(c)
        .await?;
    Fault::unless_one(purged)
}

async fn hand_picture_to_sweeper(c: &mut Conn, it: &Purge) -> Answer<()> {
    let Some(avatar) = it.avatar else { return Ok(()) };
    // One that the sweeper has already is no reason to keep the account.
    let worn = avatars::table.find(b(&avatar)).filter(avatars::sweep_at.is_null());
    update(worn).set(avatars::sweep_at.eq(b(&Some(it.at)))).execute(c).await?;
    Ok(())
}

async fn forget_ways_in(c: &mut Conn, account: AccountId) -> Answer<()> {
    dsl::delete(activations::table.filter(activations::account.eq(b(&Some(account))))).execute(c).await?;
    dsl::delete(web_sessions::table.filter(web_sessions::account.eq(b(&account)))).execute(c).await?;
    dsl::delete(api_keys::table.filter(api_keys::account.eq(b(&account)))).execute(c).await?;
    dsl::delete(challenges::table.filter(challenges::account.eq(b(&account)))).execute(c).await?;
    dsl::delete(link_requests::table.filter(link_requests::account.eq(b(&Some(account))))).execute(c).await?;
    dsl::delete(links::table.filter(links::account.eq(b(&account)))).execute(c).await?;
    let own = factors::table.filter(factors::account.eq(b(&account))).select(factors::id);
    dsl::delete(recovery_codes::table.filter(recovery_codes::factor.eq_any(own))).execute(c).await?;
    dsl::delete(factors::table.filter(factors::account.eq(b(&account)))).execute(c).await?;
    Ok(())
}

/// Members lose a workspace that nobody has let them into for weeks. Of their memberships only ids and times are left.
async fn forget_workspace(c: &mut Conn, it: &Purge) -> Answer<()> {
    let of_owner = memberships::owner.eq(b(&it.account)).and(memberships::removed_at.is_null());
    update(memberships::table.filter(of_owner)).set(memberships::removed_at.eq(b(&Some(it.at)))).execute(c).await?;
    dsl::delete(invites::table.filter(invites::owner.eq(b(&it.account)))).execute(c).await?;
    // Those of others to this address, but for one that whoever has the mailbox may still accept.
    let over =
        invites::accepted_at.is_not_null().or(invites::voided_at.is_not_null()).or(invites::expires_at.le(b(&it.at)));
    dsl::delete(invites::table.filter(invites::email.eq(b(&it.email))).filter(over)).execute(c).await?;
    dsl::delete(declined_mails::table.filter(declined_mails::account.eq(b(&it.account)))).execute(c).await?;
    dsl::delete(teams::table.filter(teams::owner.eq(b(&it.account)))).execute(c).await?;
    Ok(())
}

async fn forget_records(c: &mut Conn, account: AccountId) -> Answer<()> {
    dsl::delete(sessions::table.filter(sessions::account.eq(b(&account)))).execute(c).await?;
    dsl::delete(profiles::table.filter(profiles::account.eq(b(&account)))).execute(c).await?;
    dsl::delete(usage_days::table.filter(usage_days::account.eq(b(&account)))).execute(c).await?;
    Ok(())
}

/// The endpoints are held before their deliveries, as by whoever delivers.
async fn forget_webhooks(c: &mut Conn, account: AccountId) -> Answer<()> {
    let endpoints = webhook_endpoints::table.filter(webhook_endpoints::account.eq(b(&account)));
    for endpoint in endpoints.order(webhook_endpoints::id).select(webhook_endpoints::id).load::<Key>(c).await? {
        delivery::hold_endpoint(c, endpoint).await?;
    }
    let deliveries = webhook_deliveries::endpoint.eq_any(endpoints.select(webhook_endpoints::id));
    dsl::delete(webhook_deliveries::table.filter(deliveries)).execute(c).await?;
    dsl::delete(endpoints).execute(c).await?;
    dsl::delete(webhook_events::table.filter(webhook_events::account.eq(b(&account)))).execute(c).await?;
    Ok(())
}

/// The owners of the teams that it was on may have been told its address, and their receivers may have answered with it. Their
/// endpoints are held before their deliveries, as by whoever delivers.
async fn forget_what_others_were_told(c: &mut Conn, account: AccountId) -> Answer<()> {
    let told = told_of(c, account).await?;
    if told.is_empty() {
        return Ok(());
    }
    let events = webhook_events::table.filter(webhook_events::about.eq(b(&Some(account)))).select(webhook_events::id);
    let deliveries = webhook_deliveries::table.filter(webhook_deliveries::event.eq_any(events));
    let endpoints = deliveries.select(webhook_deliveries::endpoint).distinct().order(webhook_deliveries::endpoint);
    for endpoint in endpoints.load::<Key>(c).await? {
        delivery::hold_endpoint(c, endpoint).await?;
    }
    update(deliveries).set(webhook_deliveries::response_excerpt.eq(b(&None::<Excerpt>))).execute(c).await?;
    for ToldRow { id, mut data } in told {
        forget_member(&mut data);
        let event = webhook_events::table.find(b(&id));
        update(event).set(webhook_events::data.eq(b(&data))).execute(c).await?;
    }
    Ok(())
}

/// The events of others that have the address of an account.
pub(crate) async fn told_of(c: &mut Conn, account: AccountId) -> Answer<Vec<ToldRow>> {
    let told = webhook_events::table.filter(webhook_events::about.eq(b(&Some(account))));
    Ok(told.order(webhook_events::id).select((webhook_events::id, webhook_events::data)).load(c).await?)
}

/// Its own, and those of others to it that are no more to be sent. One that waits is a fresh act of somebody else, for whoever has
/// the mailbox.
async fn forget_mails(c: &mut Conn, it: &Purge) -> Answer<()> {
    dsl::delete(mails::table.filter(mails::account.eq(b(&Some(it.account))))).execute(c).await?;
    let over = mails::due_at.is_null().or(mails::account.is_null());
    dsl::delete(mails::table.filter(mails::recipient.eq(b(&it.email))).filter(over)).execute(c).await?;
    Ok(())
}
