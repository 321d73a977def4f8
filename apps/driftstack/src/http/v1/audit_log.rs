//! The audit log of a workspace.

use actix_web::{HttpResponse, http::Method, web::Data};
use driftstack_domain::{
    audit::{AuditFilter, export::EntryView},
    policy::action::{ExportAudit, ReadAudit},
};
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Object, ObjectBuilder, RefOr,
        schema::{Schema, SchemaType, Type},
    },
};

use super::export::{Format, respond};
use crate::{
    http::{
        Api, Gate, Listed, Ok200, Paging, Problem, Query, page::CURSOR, page::LIMIT, query::Pairs, query::Parameters,
    },
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/account/audit-log", list).route(Method::GET, "/v1/account/audit-log/export", export)
}

struct Wanted {
    filter: AuditFilter,
    paging: Paging,
}

impl Parameters for Wanted {
    const KNOWN: &'static [(&'static str, &'static str)] = &[
        LIMIT,
        CURSOR,
        ("action", "One action, or all under a prefix such as `team.*`."),
        ("actor_account_id", "Only what this account did."),
        ("target_resource_id", "Only what happened to this resource."),
        ("from", "Only entries at this time or later."),
        ("to", "Only entries before this time."),
    ];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let filter = AuditFilter {
            action: query.parsed("action")?,
            actor_account: query.parsed("actor_account_id")?,
            target: query.parsed("target_resource_id")?,
            from: query.parsed("from")?,
            to: query.parsed("to")?,
        };
        Ok(Self { filter, paging: Paging::read(query)? })
    }
}

/// An entry in the words of the export, which proves itself.
#[derive(Serialize)]
#[serde(transparent)]
struct AuditEntryView(EntryView);

impl From<EntryView> for AuditEntryView {
    fn from(entry: EntryView) -> Self {
        Self(entry)
    }
}

impl PartialSchema for AuditEntryView {
    /// By hand: the fields are the domain's, which knows nothing of OpenAPI.
    fn schema() -> RefOr<Schema> {
        let of = |types: &[Type]| Object::with_type(types.iter().cloned().collect::<SchemaType>());
        let text = || of(&[Type::String]);
        let maybe_text = || of(&[Type::String, Type::Null]);
        let object = ["id", "account_id", "actor_type", "action", "timestamp", "prev_hash", "hash"]
            .into_iter()
            .fold(ObjectBuilder::new(), |object, name| object.property(name, text()).required(name));
        ["actor_account_id", "actor_key_id", "target_resource_id", "ip_address", "user_agent"]
            .into_iter()
            .fold(object, |object, name| object.property(name, maybe_text()).required(name))
            .property("payload", of(&[Type::Object, Type::Null]))
            .required("payload")
            .property("personal", of(&[Type::Object]))
            .property("seq", of(&[Type::Integer]))
            .required("seq")
            .into()
    }
}

impl ToSchema for AuditEntryView {}

async fn list(
    gate: Gate<ReadAudit>,
    services: Data<Services>,
    wanted: Query<Wanted>,
) -> Result<Ok200<Listed<AuditEntryView>>, Problem> {
    let Query(Wanted { filter, paging }) = wanted;
    paging.answer(&gate, async |by, page| services.audit_log.list(by, &filter, page).await).await
}

impl Parameters for Format {
    const KNOWN: &'static [(&'static str, &'static str)] = &[("format", "`json` (unless told) or `csv`.")];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        match query.text("format") {
            None | Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some(_) => Err(Problem::invalid("format", "expected `json` or `csv`")),
        }
    }
}

async fn export(
    gate: Gate<ExportAudit>,
    services: Data<Services>,
    format: Query<Format>,
) -> Result<HttpResponse, Problem> {
    let plan = services.audit_log.plan_export(gate.permit()).await?;
    Ok(respond(services, plan, format.0))
}
