//! Everything that is held on the calling account, as one document. It is a stream: only a page of it is in memory.

use actix_web::{
    HttpResponse,
    http::{Method, header},
    web::{Bytes, Data},
};
use driftstack_domain::{
    access::Access,
    audit::{ExportPlan, export::MAX_BYTES, export::MAX_ROWS},
    change::StoreError,
    ending::{HeldAccount, HeldEvent, HeldLink, HeldMail, HeldSignIn},
    id::EventId,
    mail::MailPreference,
    membership::Invite,
    page::{Limit, Page, PageRequest, Position},
    policy::action::ExportAccount,
    profile::Profile,
    team::Team,
    tier::{Plan, effective_quotas},
    time::Timestamp,
    usage::DayMinutes,
    webhook::{EventData, EventType},
};
use futures_util::stream;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    account::{BucketView, MeView},
    api_keys::KeyView,
    export::Cut,
    members::MembershipView,
    mfa::StatusView,
    profiles::ProfileView,
    sessions::SessionRecordView,
    team::{OwnerView, TeamView},
    webhooks::{DeliveryView, EndpointView},
};
use crate::{
    http::{
        Api, Gate, Problem, Query, cursor,
        query::{Pairs, Parameters},
    },
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, PATH, export)
}

const PATH: &str = "/v1/account/export";

/// What an export holds, in this order. What else an account gets gets a line here, before the log: that one takes what room is
/// left.
const SECTIONS: [(&str, Section); 19] = [
    ("account", Section::One(One::Account)),
    ("record", Section::One(One::Record)),
    ("team", Section::One(One::Team)),
    ("mfa", Section::One(One::Mfa)),
    ("email_preferences", Section::One(One::EmailPreferences)),
    ("rate_limits", Section::One(One::RateLimits)),
    ("members", Section::Many(Many::Members)),
    ("memberships", Section::Many(Many::Memberships)),
    ("invites", Section::Many(Many::Invites)),
    ("api_keys", Section::Many(Many::ApiKeys)),
    ("sign_ins", Section::Many(Many::SignIns)),
    ("pending_links", Section::Many(Many::PendingLinks)),
    ("profiles", Section::Many(Many::Profiles)),
    ("sessions", Section::Many(Many::Sessions)),
    ("usage_days", Section::Many(Many::UsageDays)),
    ("webhooks", Section::Many(Many::Webhooks)),
    ("mails", Section::Many(Many::Mails)),
    ("webhook_events", Section::Many(Many::WebhookEvents)),
    ("audit_log", Section::Many(Many::AuditLog)),
];

/// The call that exports the log with its seal.
const WHOLE_LOG: &str = "/v1/account/audit-log/export?format=json";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    One(One),
    Many(Many),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum One {
    Account,
    Record,
    Team,
    Mfa,
    EmailPreferences,
    RateLimits,
}

/// A list, which is written page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Many {
    Members,
    Memberships,
    Invites,
    ApiKeys,
    SignIns,
    PendingLinks,
    Profiles,
    Sessions,
    UsageDays,
    Webhooks,
    Mails,
    WebhookEvents,
    AuditLog,
}

/// One section alone, and where its list goes on: what an export says of a list that was too long for it.
#[derive(Debug)]
struct Wanted {
    sections: &'static [(&'static str, Section)],
    cursor: Option<String>,
}

impl Parameters for Wanted {
    const KNOWN: &'static [(&'static str, &'static str)] = &[
        ("section", "One section alone, by its name; the whole document unless told."),
        ("cursor", "Where the list of that section goes on. `next` of the list has both."),
    ];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let cursor = query.text("cursor").map(str::to_owned);
        let Some(name) = query.text("section") else {
            let whole = Self { sections: &SECTIONS, cursor: None };
            return if cursor.is_none() {
                Ok(whole)
            } else {
                Err(Problem::invalid("cursor", "say of which `section`"))
            };
        };
        let found = SECTIONS.chunks(1).find(|section| section.iter().any(|(known, _)| *known == name));
        let sections = found.ok_or_else(|| Problem::invalid("section", "no section of an export has this name"))?;
        let has_pages = !matches!(sections, [(_, Section::One(_) | Section::Many(Many::AuditLog))]);
        if cursor.is_some() && !has_pages {
            return Err(Problem::invalid("cursor", "this section comes whole; leave the cursor out"));
        }
        Ok(Self { sections, cursor })
    }
}

async fn export(
    gate: Gate<ExportAccount>,
    services: Data<Services>,
    wanted: Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let Wanted { sections, cursor } = wanted.0;
    let after = match (cursor, sections) {
        (Some(text), [(name, _)]) => Some(cursor::open(&text, name, gate.permit(), services.vault.as_ref())?),
        _ => None,
    };
    let writer = Writer { gate, services, sections, is_begun: false, list: None, after, room: MAX_BYTES };
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"account.json\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(stream::try_unfold(writer, Writer::step))))
}

struct Writer {
    gate: Gate<ExportAccount>,
    services: Data<Services>,
    /// Those that are not written yet.
    sections: &'static [(&'static str, Section)],
    is_begun: bool,
    /// The list that is being written.
    list: Option<List>,
    /// Where the first list begins, for somebody who has the rest.
    after: Option<Position>,
    /// Bytes that may still be written: published clients refuse an answer of more than 8 MiB.
    room: usize,
}

#[derive(Default)]
struct List {
    rows: usize,
    /// Behind the last page that was written.
    after: Option<Position>,
    /// Of the log alone.
    plan: Option<ExportPlan>,
}

/// Rows of a list, and where it goes on.
struct Rows {
    rows: Vec<Value>,
    next: Option<Position>,
}

impl List {
    /// Writes a page whole, or not at all: then the rest begins with it. Answers whether there was room for it.
    fn write(&mut self, page: &[Value], room: usize, text: &mut String) -> bool {
        let rows = page.iter().map(Value::to_string).collect::<Vec<_>>().join(",");
        // What was planned fits.
        let fits = self.plan.is_some() || (self.rows + page.len() <= MAX_ROWS && text.len() + rows.len() < room);
        if page.is_empty() || !fits {
            return page.is_empty();
        }
        if self.rows > 0 {
            text.push(',');
        }
        text.push_str(&rows);
        self.rows += page.len();
        true
    }
}

impl Writer {
    /// Writes the next piece: a value, or a page of a list.
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, Cut> {
        let Some(((name, section), rest)) = self.sections.split_first() else { return Ok(None) };
        let mut text = String::new();
        if self.list.is_none() {
            let opening = if self.is_begun { ",".to_owned() } else { self.head() };
            text.extend([opening.as_str(), "\"", name, "\":"]);
            self.is_begun = true;
        }
        match section {
            Section::One(one) => text.push_str(&self.value(*one).await?.to_string()),
            Section::Many(many) => self.page(name, *many, &mut text).await?,
        }
        if self.list.is_none() {
            self.sections = rest;
        }
        if self.sections.is_empty() {
            text.push('}');
        }
        self.room = self.room.saturating_sub(text.len());
        Ok(Some((text.into(), self)))
    }

    fn head(&self) -> String {
        format!("{{\"generated_at\":\"{}\",", self.services.holdings.now())
    }

    /// What is no list.
    async fn value(&self, section: One) -> Result<Value, Cut> {
        let (held, by) = (&self.services.holdings, self.gate.permit());
        match section {
            One::Account => told(&MeView::new(held.account(by).await?, &self.services, true)),
            One::Record => Ok(record(&held.record(by).await?)),
            One::Team => told(&held.team(by).await?.map(HeldTeamView::from)),
            One::Mfa => told(&StatusView::from(held.mfa(by).await?)),
            One::EmailPreferences => Ok(held.preferences(by).await?.into_iter().map(preference).collect()),
            One::RateLimits => {
                let Access { tier, overrides, .. } = *by.access();
                let buckets = effective_quotas(tier, overrides, held.now()).map(BucketView::from);
                told(&buckets.collect::<Vec<_>>())
            }
        }
    }

    /// A page of a list: `{"data":[…],"truncated":false,"next":null}` over several of them.
    async fn page(&mut self, name: &str, section: Many, text: &mut String) -> Result<(), Cut> {
        let mut list = if let Some(list) = self.list.take() { list } else { self.opened(section, text).await? };
        let Rows { rows, next } = self.rows(section, &list).await?;
        let fits = list.write(&rows, self.room, text);
        if fits && next.is_some() {
            list.after = next;
            self.list = Some(list);
            return Ok(());
        }
        let end = match list.plan {
            Some(plan) => json!({ "truncated": plan.truncated, "head_hash": plan.head.hash, "whole": WHOLE_LOG }),
            None => json!({ "truncated": !fits, "next": (!fits).then(|| self.rest(name, list.after)) }),
        };
        // The members of an object that is open already.
        text.extend(["],", end.to_string().trim_start_matches('{')]);
        Ok(())
    }

    /// The call that has the rest of a list.
    fn rest(&self, name: &str, after: Option<Position>) -> String {
        let (by, vault) = (self.gate.permit(), self.services.vault.as_ref());
        let cursor = after.map(|after| format!("&cursor={}", cursor::seal(after, name, by, vault)));
        format!("{PATH}?section={name}{}", cursor.unwrap_or_default())
    }

    async fn opened(&mut self, section: Many, text: &mut String) -> Result<List, Cut> {
        text.push_str("{\"data\":[");
        if section != Many::AuditLog {
            return Ok(List { after: self.after.take(), ..List::default() });
        }
        let plan = self.services.holdings.plan_log(self.gate.permit(), self.room).await?;
        Ok(List { plan: Some(plan), ..List::default() })
    }

    async fn rows(&self, section: Many, list: &List) -> Result<Rows, Cut> {
        let (held, by) = (&self.services.holdings, self.gate.permit());
        let page = PageRequest { limit: Limit::new(Limit::MAX).unwrap_or_default(), after: list.after };
        match section {
            Many::Members => rows(&held.members(by, page).await?.map(MembershipView::from)),
            Many::Memberships => rows(&held.memberships(by, page).await?.map(OwnerView::from)),
            Many::Invites => Ok(values(&held.invites(by, page).await?, invite)),
            Many::ApiKeys => rows(&held.keys(by, page).await?.map(KeyView::from)),
            Many::SignIns => Ok(values(&held.sign_ins(by, page).await?, sign_in)),
            Many::PendingLinks => Ok(values(&held.links(by, page).await?, link)),
            Many::Profiles => rows(&held.profiles(by, page).await?.map(HeldProfileView::from)),
            Many::Sessions => rows(&held.sessions(by, page).await?.map(SessionRecordView::from)),
            Many::UsageDays => Ok(values(&held.usage_days(by, page).await?, usage_day)),
            Many::Webhooks => rows(&held.webhooks(by, page).await?.map(|it| EndpointView::new(it, held.now()))),
            Many::Mails => Ok(values(&held.mails(by, page).await?, mail)),
            Many::WebhookEvents => rows(&held.events(by, page).await?.map(HeldEventView::from)),
            Many::AuditLog => self.entries(list).await,
        }
    }

    /// Of the log, as it was planned.
    async fn entries(&self, list: &List) -> Result<Rows, Cut> {
        let Some(plan) = &list.plan else { return Ok(Rows { rows: Vec::new(), next: None }) };
        let done = i64::try_from(list.rows).unwrap_or(i64::MAX);
        let entries = self.services.holdings.log(plan, done).await?;
        let next = (!entries.is_empty()).then_some(Position(0));
        Ok(Rows { rows: entries.iter().map(told).collect::<Result<_, _>>()?, next })
    }
}

fn rows<T: Serialize>(page: &Page<T>) -> Result<Rows, Cut> {
    Ok(Rows { rows: page.rows.iter().map(told).collect::<Result<_, _>>()?, next: page.next })
}

fn values<T>(page: &Page<T>, tell: impl Fn(&T) -> Value) -> Rows {
    Rows { rows: page.rows.iter().map(tell).collect(), next: page.next }
}

fn told(view: &impl Serialize) -> Result<Value, Cut> {
    serde_json::to_value(view).map_err(|error| StoreError::Failed(error.to_string()).into())
}

/// With its plan, which is of the other dialect.
#[derive(Serialize)]
struct HeldTeamView {
    #[serde(flatten)]
    team: TeamView,
    plan: Plan,
}

impl From<Team> for HeldTeamView {
    fn from(team: Team) -> Self {
        Self { plan: team.plan, team: team.into() }
    }
}

/// Also of one that is deleted.
#[derive(Serialize)]
struct HeldProfileView {
    #[serde(flatten)]
    profile: ProfileView,
    deleted_at: Option<Timestamp>,
}

impl From<Profile> for HeldProfileView {
    fn from(profile: Profile) -> Self {
        Self { deleted_at: profile.deleted_at, profile: profile.into() }
    }
}

#[derive(Serialize)]
struct HeldEventView {
    id: EventId,
    r#type: EventType,
    emitted_at: Timestamp,
    data: EventData,
    deliveries: Vec<DeliveryView>,
}

impl From<HeldEvent> for HeldEventView {
    fn from(HeldEvent { id, kind, at, data, deliveries }: HeldEvent) -> Self {
        let deliveries = deliveries.into_iter().map(DeliveryView::from).collect();
        Self { id, r#type: kind, emitted_at: at, data, deliveries }
    }
}

fn record(it: &HeldAccount) -> Value {
    json!({
        "number": it.number.0, "created_at": it.created_at, "updated_at": it.updated_at,
        "email_verified_at": it.email_verified_at, "staff": it.staff, "active_team_id": it.active_team,
        "audit_high_severity": !it.severe_declined,
    })
}

fn usage_day(it: &DayMinutes) -> Value {
    json!({ "date": it.day.to_string(), "session_minute": it.minutes })
}

fn preference(it: MailPreference) -> Value {
    json!({ "event_type": it.mail.as_str(), "opted_in": it.opted_in })
}

/// In whatever state, so with more than the list of pending ones says.
fn invite(it: &Invite) -> Value {
    json!({
        "id": it.id, "email": it.email, "role": it.role.as_str(), "invited_by_account_id": it.invited_by,
        "created_at": it.created_at, "expires_at": it.expires_at,
        "accepted_at": it.accepted_at, "revoked_at": it.voided_at,
    })
}

fn sign_in(it: &HeldSignIn) -> Value {
    json!({
        "id": it.id, "os": it.agent.os, "browser": it.agent.browser, "created_at": it.created_at,
        "last_used_at": it.last_used_at, "expires_at": it.expires_at, "ended_at": it.ended_at,
    })
}

fn link(it: &HeldLink) -> Value {
    json!({
        "kind": it.kind.as_str(), "new_email": it.new_email, "created_at": it.created_at, "expires_at": it.expires_at,
    })
}

fn mail(it: &HeldMail) -> Value {
    json!({ "kind": it.kind.as_str(), "to": it.to, "written_at": it.at, "sent_at": it.sent_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Pages of a hundred rows of so many bytes, until there is no room.
    fn written(bytes: usize, room: usize) -> (List, String) {
        let (mut list, mut text) = (List::default(), "[".to_owned());
        let page = vec![Value::from("x".repeat(bytes)); 100];
        let mut left = room;
        loop {
            let mut piece = String::new();
            if !list.write(&page, left, &mut piece) {
                return (list, text + "]");
            }
            left -= piece.len();
            text.push_str(&piece);
        }
    }

    #[rstest]
    #[case::many_small_rows(10, 100 * MAX_ROWS, MAX_ROWS)]
    #[case::few_large_ones(8 * 1024, MAX_BYTES, 800)]
    #[case::none_at_all(8 * 1024, 4096, 0)]
    fn a_list_ends_behind_the_last_page_that_fits(#[case] bytes: usize, #[case] room: usize, #[case] rows: usize) {
        let (list, text) = written(bytes, room);
        let read: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!((list.rows, read.len()), (rows, rows));
        assert!(text.len() <= room + 2, "{} of {room}", text.len());
    }

    #[test]
    fn nothing_always_fits() {
        let mut text = "beyond all room".to_owned();
        assert!(List::default().write(&[], 0, &mut text));
        assert_eq!(text, "beyond all room");
    }
}
