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
    http::{Api, Gate, Problem},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/account/export", export)
}

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

async fn export(gate: Gate<ExportAccount>, services: Data<Services>) -> Result<HttpResponse, Problem> {
    let writer = Writer { gate, services, section: 0, list: None, room: MAX_BYTES };
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"account.json\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(stream::try_unfold(writer, Writer::step))))
}

struct Writer {
    gate: Gate<ExportAccount>,
    services: Data<Services>,
    section: usize,
    /// The list that is being written.
    list: Option<List>,
    /// Bytes that may still be written: published clients refuse an answer of more than 8 MiB.
    room: usize,
}

#[derive(Default)]
struct List {
    rows: usize,
    after: Option<Position>,
    /// Of the log alone.
    plan: Option<ExportPlan>,
}

/// Rows of a list, and where it goes on.
struct Rows {
    rows: Vec<Value>,
    next: Option<Position>,
}

impl Writer {
    /// Writes the next piece: a value, or a page of a list.
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, Cut> {
        let Some((name, section)) = SECTIONS.get(self.section) else { return Ok(None) };
        let mut text = String::new();
        if self.list.is_none() {
            let opening = if self.section == 0 { self.head() } else { ",".to_owned() };
            text.extend([opening.as_str(), "\"", name, "\":"]);
        }
        match section {
            Section::One(one) => {
                text.push_str(&self.value(*one).await?.to_string());
                self.section += 1;
            }
            Section::Many(many) => self.page(*many, &mut text).await?,
        }
        if self.section == SECTIONS.len() {
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

    /// A page of a list: `{"data":[…],"truncated":false}` over several of them.
    async fn page(&mut self, section: Many, text: &mut String) -> Result<(), Cut> {
        let mut list = if let Some(list) = self.list.take() { list } else { self.opened(section, text).await? };
        let Rows { rows, mut next } = self.rows(section, &list).await?;
        let mut truncated = list.plan.is_some_and(|plan| plan.truncated);
        for row in rows {
            let row = row.to_string();
            // What was planned fits.
            if list.plan.is_none() && (list.rows == MAX_ROWS || text.len() + row.len() >= self.room) {
                (truncated, next) = (true, None);
                break;
            }
            if list.rows > 0 {
                text.push(',');
            }
            text.push_str(&row);
            list.rows += 1;
        }
        if next.is_some() {
            list.after = next;
            self.list = Some(list);
            return Ok(());
        }
        text.extend(["],\"truncated\":", if truncated { "true" } else { "false" }]);
        if let Some(plan) = list.plan {
            let head = plan.head.hash.to_string();
            text.extend([",\"head_hash\":\"", &head, "\",\"whole\":\"", WHOLE_LOG, "\""]);
        }
        text.push('}');
        self.section += 1;
        Ok(())
    }

    async fn opened(&self, section: Many, text: &mut String) -> Result<List, Cut> {
        text.push_str("{\"data\":[");
        if section != Many::AuditLog {
            return Ok(List::default());
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
