//! Notes on the log of an account.

use actix_web::web::Data;
use driftstack_domain::{
    id::{AccountId, AuditId},
    idempotency::Creation,
    policy::action::WriteSupportNote,
    staff::{Remark, Written},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{Created, Gate, Id, NewBody, Once, Problem},
    wire::Services,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoteBody {
    /// 1 to 2,000 characters. The customer reads it.
    #[schema(value_type = String)]
    note: Remark,
}

/// A note that stands on the log.
#[derive(Serialize, ToSchema)]
pub(super) struct NoteView {
    /// Of the entry.
    #[schema(value_type = String)]
    id: AuditId,
    note: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

pub(super) async fn write(
    gate: Gate<WriteSupportNote>,
    services: Data<Services>,
    id: Id<AccountId>,
    new: NewBody<NoteBody>,
) -> Result<Once<Created<NoteView>>, Problem> {
    let note = new.body.note;
    let write = async |by: Creation<'_, _, _>| services.staff.write_note(by, id.0, &note).await;
    let told = |written: &Written| Created(NoteView { id: written.id, note: note.to_string(), created_at: written.at });
    gate.create(&new.repeatable, write, told).await
}
