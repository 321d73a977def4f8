//! What is held on an account, for whoever takes it along.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    audit::Payload,
    auth::LinkKind,
    change::StoreError,
    email::Email,
    ending::{HeldAccount, HeldEvent, HeldLink, HeldMail, HeldSignIn, HoldingStore},
    id::{AccountId, EventId, LinkId, MailId, TeamId, WebSessionId},
    mail::MailContent,
    membership::Invite,
    organisation::MemberNumber,
    page::{Page, PageRequest, Position},
    profile::Profile,
    time::Timestamp,
    usage::{Day, DayMinutes},
    web_session::Agent,
    webhook::{Delivery, Endpoint, EventType},
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{
    super::Store,
    Answer, Conn,
    page::{below_id, below_number, rows_to_fetch},
    webhook::{self, EndpointRow, endpoint_columns},
};
use crate::{
    rows::{InTable, Row, seen},
    schema::{
        account_numbers, accounts, invites, links, mails, profiles, usage_days, web_sessions, webhook_endpoints,
        webhook_events,
    },
    types::b,
};

#[async_trait]
impl HoldingStore for Store {
    #[instrument(level = "debug", name = "db.holding.sign_ins", skip_all)]
    async fn every_sign_in(&self, account: AccountId, page: PageRequest) -> Result<Page<HeldSignIn>, StoreError> {
        self.read(move |c| every_sign_in(c, account, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.holding.invites", skip_all)]
    async fn every_invite(&self, account: AccountId, page: PageRequest) -> Result<Page<Invite>, StoreError> {
        self.read(move |c| every_invite(c, account, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.holding.links", skip_all)]
    async fn pending_links(
        &self,
        account: AccountId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<HeldLink>, StoreError> {
        self.read(move |c| pending_links(c, account, now, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.holding.mails", skip_all)]
    async fn caused_mails(&self, account: AccountId, page: PageRequest) -> Result<Page<HeldMail>, StoreError> {
        self.read(move |c| caused_mails(c, account, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.holding.account", skip_all)]
    async fn held_account(&self, account: AccountId) -> Result<Option<HeldAccount>, StoreError> {
        self.read(move |c| held_account(c, account).boxed()).await
    }

    #[instrument(level = "debug", name = "db.holding.usage_days", skip_all)]
    async fn every_usage_day(&self, account: AccountId, page: PageRequest) -> Result<Page<DayMinutes>, StoreError> {
        self.read(move |c| every_usage_day(c, account, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.holding.profiles", skip_all)]
    async fn every_profile(&self, account: AccountId, page: PageRequest) -> Result<Page<Profile>, StoreError> {
        self.read(move |c| every_profile(c, account, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.holding.endpoints", skip_all)]
    async fn every_endpoint(&self, account: AccountId, page: PageRequest) -> Result<Page<Endpoint>, StoreError> {
        self.read(move |c| every_endpoint(c, account, page).boxed()).await
    }

    #[instrument(level = "debug", name = "db.holding.events", skip_all)]
    async fn every_event(&self, account: AccountId, page: PageRequest) -> Result<Page<HeldEvent>, StoreError> {
        self.read(move |c| every_event(c, account, page).boxed()).await
    }
}

seen! {
    struct SignInRow {
        id: WebSessionId = web_sessions.id,
        os: String = web_sessions.os,
        browser: String = web_sessions.browser,
        created_at: Timestamp = web_sessions.created_at,
        expires_at: Timestamp = web_sessions.expires_at,
        ended_at: Option<Timestamp> = web_sessions.ended_at,
        last_used_at: Option<Timestamp> = web_sessions.last_used_at,
    }

    struct LinkRow {
        id: LinkId = links.id,
        kind: LinkKind = links.kind,
        new_email: Option<Email> = links.new_email,
        created_at: Timestamp = links.created_at,
        expires_at: Timestamp = links.expires_at,
    }

    struct MailRow {
        id: MailId = mails.id,
        to: Email = mails.recipient,
        content: MailContent = mails.content,
        at: Timestamp = mails.at,
        sent_at: Option<Timestamp> = mails.sent_at,
    }

    struct AccountRow {
        number: MemberNumber = account_numbers.number,
        created_at: Timestamp = accounts.created_at,
        updated_at: Timestamp = accounts.updated_at,
        email_verified_at: Option<Timestamp> = accounts.email_verified_at,
        staff: bool = accounts.staff,
        active_team: Option<TeamId> = accounts.active_team,
        severe_declined: bool = accounts.severe_declined,
    }

    struct UsageRow {
        day: Day = usage_days.day,
        minutes: i64 = usage_days.session_minutes,
    }

    struct EventRow {
        id: EventId = webhook_events.id,
        kind: EventType = webhook_events.kind,
        at: Timestamp = webhook_events.at,
        data: Payload = webhook_events.data,
    }
}

pub(crate) async fn every_sign_in(c: &mut Conn, account: AccountId, page: PageRequest) -> Answer<Page<HeldSignIn>> {
    use web_sessions as w;
    let rows = w::table
        .filter(w::account.eq(b(&account)))
        .filter(w::id.lt(below_id(&page)))
        .order(w::id.desc())
        .limit(rows_to_fetch(&page))
        .select((w::id, w::os, w::browser, w::created_at, w::expires_at, w::ended_at, w::last_used_at))
        .load::<SignInRow>(c)
        .await?;
    let held = |row: SignInRow| HeldSignIn {
        id: row.id,
        agent: Agent { os: row.os, browser: row.browser },
        created_at: row.created_at,
        expires_at: row.expires_at,
        ended_at: row.ended_at,
        last_used_at: row.last_used_at,
    };
    Ok(page.page(rows.into_iter().map(held).collect(), |it: &HeldSignIn| Position(it.id.uuid().as_u128())))
}

pub(crate) async fn every_invite(c: &mut Conn, account: AccountId, page: PageRequest) -> Answer<Page<Invite>> {
    let rows = invites::table
        .filter(invites::owner.eq(b(&account)))
        .filter(invites::id.lt(below_id(&page)))
        .order(invites::id.desc())
        .limit(rows_to_fetch(&page))
        .select(Invite::COLUMNS)
        .load::<Row<Invite>>(c)
        .await?;
    let invites = rows.into_iter().map(Row::into_inner).collect();
    Ok(page.page(invites, |invite: &Invite| Position(invite.id.uuid().as_u128())))
}

pub(crate) async fn pending_links(
    c: &mut Conn,
    account: AccountId,
    now: Timestamp,
    page: PageRequest,
) -> Answer<Page<HeldLink>> {
    use links as l;
    let rows = l::table
        .filter(l::account.eq(b(&account)))
        .filter(l::used_at.is_null().and(l::voided_at.is_null()))
        .filter(l::expires_at.gt(b(&now)))
        .filter(l::id.lt(below_id(&page)))
        .order(l::id.desc())
        .limit(rows_to_fetch(&page))
        .select((l::id, l::kind, l::new_email, l::created_at, l::expires_at))
        .load::<LinkRow>(c)
        .await?;
    let held = |LinkRow { id, kind, new_email, created_at, expires_at }| HeldLink {
        id,
        kind,
        new_email,
        created_at,
        expires_at,
    };
    Ok(page.page(rows.into_iter().map(held).collect(), |it: &HeldLink| Position(it.id.uuid().as_u128())))
}

pub(crate) async fn caused_mails(c: &mut Conn, account: AccountId, page: PageRequest) -> Answer<Page<HeldMail>> {
    use mails as m;
    let rows = m::table
        .filter(m::account.eq(b(&Some(account))))
        .filter(m::id.lt(below_id(&page)))
        .order(m::id.desc())
        .limit(rows_to_fetch(&page))
        .select((m::id, m::recipient, m::content, m::at, m::sent_at))
        .load::<MailRow>(c)
        .await?;
    let held =
        |row: MailRow| HeldMail { id: row.id, to: row.to, kind: row.content.kind(), at: row.at, sent_at: row.sent_at };
    Ok(page.page(rows.into_iter().map(held).collect(), |it: &HeldMail| Position(it.id.uuid().as_u128())))
}

async fn held_account(c: &mut Conn, account: AccountId) -> Answer<Option<HeldAccount>> {
    let found = accounts::table
        .inner_join(account_numbers::table.on(account_numbers::account.eq(accounts::id)))
        .filter(accounts::id.eq(b(&account)))
        .select((
            account_numbers::number,
            accounts::created_at,
            accounts::updated_at,
            accounts::email_verified_at,
            accounts::staff,
            accounts::active_team,
            accounts::severe_declined,
        ))
        .get_result::<AccountRow>(c)
        .await
        .optional()?;
    Ok(found.map(|row| HeldAccount {
        number: row.number,
        created_at: row.created_at,
        updated_at: row.updated_at,
        email_verified_at: row.email_verified_at,
        staff: row.staff,
        active_team: row.active_team,
        severe_declined: row.severe_declined,
    }))
}

pub(crate) async fn every_usage_day(c: &mut Conn, account: AccountId, page: PageRequest) -> Answer<Page<DayMinutes>> {
    let rows = usage_days::table
        .filter(usage_days::account.eq(b(&account)))
        .filter(usage_days::day.lt(i32::try_from(below_number(&page)).unwrap_or(i32::MAX)))
        .order(usage_days::day.desc())
        .limit(rows_to_fetch(&page))
        .select((usage_days::day, usage_days::session_minutes))
        .load::<UsageRow>(c)
        .await?;
    let days = rows.into_iter().map(|UsageRow { day, minutes }| DayMinutes { day, minutes }).collect();
    Ok(page.page(days, |it: &DayMinutes| Position(u128::try_from(it.day.number()).unwrap_or_default())))
}

pub(crate) async fn every_profile(c: &mut Conn, account: AccountId, page: PageRequest) -> Answer<Page<Profile>> {
    let rows = profiles::table
        .filter(profiles::account.eq(b(&account)))
        .filter(profiles::id.lt(below_id(&page)))
        .order(profiles::id.desc())
        .limit(rows_to_fetch(&page))
        .select(Profile::COLUMNS)
        .load::<Row<Profile>>(c)
        .await?;
    let found = rows.into_iter().map(Row::into_inner).collect();
    Ok(page.page(found, |it: &Profile| Position(it.id.uuid().as_u128())))
}

pub(crate) async fn every_endpoint(c: &mut Conn, account: AccountId, page: PageRequest) -> Answer<Page<Endpoint>> {
    let rows = webhook_endpoints::table
        .filter(webhook_endpoints::account.eq(b(&account)))
        .filter(webhook_endpoints::id.lt(below_id(&page)))
        .order(webhook_endpoints::id.desc())
        .limit(rows_to_fetch(&page))
        .select(endpoint_columns!())
        .load::<EndpointRow>(c)
        .await?;
    let found = rows.into_iter().map(Endpoint::from).collect();
    Ok(page.page(found, |it: &Endpoint| Position(it.id.uuid().as_u128())))
}

pub(crate) async fn every_event(c: &mut Conn, account: AccountId, page: PageRequest) -> Answer<Page<HeldEvent>> {
    let rows = webhook_events::table
        .filter(webhook_events::account.eq(b(&account)))
        .filter(webhook_events::id.lt(below_id(&page)))
        .order(webhook_events::id.desc())
        .limit(rows_to_fetch(&page))
        .select((webhook_events::id, webhook_events::kind, webhook_events::at, webhook_events::data))
        .load::<EventRow>(c)
        .await?;
    let mut told: BTreeMap<EventId, Vec<Delivery>> = BTreeMap::new();
    for delivery in webhook::deliveries_of(c, rows.iter().map(|row| row.id)).await? {
        told.entry(delivery.event).or_default().push(delivery);
    }
    let held = |EventRow { id, kind, at, data }: EventRow| {
        let deliveries = told.remove(&id).unwrap_or_default();
        HeldEvent { id, kind, at, data, deliveries }
    };
    let events = rows.into_iter().map(held).collect();
    Ok(page.page(events, |it: &HeldEvent| Position(it.id.uuid().as_u128())))
}
