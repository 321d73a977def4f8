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
    ending::{HeldLink, HeldMail, HeldSignIn},
    mail::MailPreference,
    membership::Invite,
    page::{Limit, Page, PageRequest, Position},
    policy::action::ExportAccount,
    tier::effective_quotas,
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
    team::{OwnerView, TeamView},
};
use crate::{
    http::{Api, Gate, Problem},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/account/export", export)
}

/// What an export holds, in this order. What else an account gets (sessions, profiles, webhooks) gets a line here, before the log:
/// that one takes what room is left.
const SECTIONS: [(&str, Section); 13] = [
    ("account", Section::Account),
    ("team", Section::Team),
    ("mfa", Section::Mfa),
    ("email_preferences", Section::EmailPreferences),
    ("rate_limits", Section::RateLimits),
    ("members", Section::Members),
    ("memberships", Section::Memberships),
    ("invites", Section::Invites),
    ("api_keys", Section::ApiKeys),
    ("sign_ins", Section::SignIns),
    ("pending_links", Section::PendingLinks),
    ("mails", Section::Mails),
    ("audit_log", Section::AuditLog),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Account,
    Team,
    Mfa,
    EmailPreferences,
    RateLimits,
    Members,
    Memberships,
    Invites,
    ApiKeys,
    SignIns,
    PendingLinks,
    Mails,
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
            text.push_str(&format!("{opening}\"{name}\":"));
        }
        match self.value(*section).await? {
            Some(value) => {
                text.push_str(&value.to_string());
                self.section += 1;
            }
            None => self.page(*section, &mut text).await?,
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
    async fn value(&self, section: Section) -> Result<Option<Value>, Cut> {
        let (held, by) = (&self.services.holdings, self.gate.permit());
        match section {
            Section::Account => Ok(Some(told(&MeView::new(held.account(by).await?, &self.services, true))?)),
            Section::Team => Ok(Some(told(&held.team(by).await?.map(TeamView::from))?)),
            Section::Mfa => Ok(Some(told(&StatusView::from(held.mfa(by).await?))?)),
            Section::EmailPreferences => {
                Ok(Some(held.preferences(by).await?.into_iter().map(preference).collect()))
            }
            Section::RateLimits => {
                let Access { tier, overrides, .. } = *by.access();
                let buckets = effective_quotas(tier, overrides, held.now()).map(BucketView::from);
                Ok(Some(told(&buckets.collect::<Vec<_>>())?))
            }
            _ => Ok(None),
        }
    }

    /// A page of a list: `{"data":[…],"truncated":false}` over several of them.
    async fn page(&mut self, section: Section, text: &mut String) -> Result<(), Cut> {
        let mut list = match self.list.take() {
            Some(list) => list,
            None => {
                text.push_str("{\"data\":[");
                let plan = match section {
                    Section::AuditLog => Some(self.services.holdings.plan_log(self.gate.permit(), self.room).await?),
                    _ => None,
                };
                List { plan, ..List::default() }
            }
        };
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
        text.push_str(&format!("],\"truncated\":{truncated}"));
        if let Some(plan) = list.plan {
            let whole = "/v1/account/audit-log/export?format=json";
            text.push_str(&format!(",\"head_hash\":\"{}\",\"whole\":\"{whole}\"", plan.head.hash));
        }
        text.push('}');
        self.section += 1;
        Ok(())
    }

    async fn rows(&self, section: Section, list: &List) -> Result<Rows, Cut> {
        let (held, by) = (&self.services.holdings, self.gate.permit());
        let page = PageRequest { limit: Limit::new(Limit::MAX).unwrap_or_default(), after: list.after };
        match section {
            Section::Members => rows(held.members(by, page).await?.map(MembershipView::from)),
            Section::Memberships => rows(held.memberships(by, page).await?.map(OwnerView::from)),
            Section::Invites => rows(held.invites(by, page).await?.map(invite)),
            Section::ApiKeys => rows(held.keys(by, page).await?.map(KeyView::from)),
            Section::SignIns => rows(held.sign_ins(by, page).await?.map(sign_in)),
            Section::PendingLinks => rows(held.links(by, page).await?.map(link)),
            Section::Mails => rows(held.mails(by, page).await?.map(mail)),
            _ => self.entries(list).await,
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

fn rows<T: Serialize>(page: Page<T>) -> Result<Rows, Cut> {
    Ok(Rows { rows: page.rows.iter().map(told).collect::<Result<_, _>>()?, next: page.next })
}

fn told(view: &impl Serialize) -> Result<Value, Cut> {
    serde_json::to_value(view).map_err(|error| StoreError::Failed(error.to_string()).into())
}

fn preference(it: MailPreference) -> Value {
    json!({ "event_type": it.mail.as_str(), "opted_in": it.opted_in })
}

/// In whatever state, so with more than the list of pending ones says.
fn invite(it: Invite) -> Value {
    json!({
        "id": it.id, "email": it.email, "role": it.role.as_str(), "invited_by_account_id": it.invited_by,
        "created_at": it.created_at, "expires_at": it.expires_at,
        "accepted_at": it.accepted_at, "revoked_at": it.voided_at,
    })
}

fn sign_in(it: HeldSignIn) -> Value {
    json!({
        "id": it.id, "os": it.agent.os, "browser": it.agent.browser, "created_at": it.created_at,
        "last_used_at": it.last_used_at, "expires_at": it.expires_at, "ended_at": it.ended_at,
    })
}

fn link(it: HeldLink) -> Value {
    json!({
        "kind": it.kind.as_str(), "new_email": it.new_email, "created_at": it.created_at, "expires_at": it.expires_at,
    })
}

fn mail(it: HeldMail) -> Value {
    json!({ "kind": it.kind.as_str(), "to": it.to, "written_at": it.at, "sent_at": it.sent_at })
}
