//! Finding accounts and looking at one.

use actix_web::web::Data;
use driftstack_domain::{
    id::AccountId,
    policy::action::{ListAccounts, ReadAnyAccount},
    staff::EmailStart,
};

use super::view::{AccountListedView, SeenAccountView};
use crate::{
    http::{
        Gate, Id, Listed, Ok200, Paging, Problem, Query,
        page::{CURSOR, LIMIT},
        query::{Pairs, Parameters},
    },
    wire::Services,
};

pub(super) struct Wanted {
    start: Option<EmailStart>,
    paging: Paging,
}

impl Parameters for Wanted {
    const KNOWN: &'static [(&'static str, &'static str)] =
        &[LIMIT, CURSOR, ("email", "Only accounts whose address begins so, in the order of the addresses.")];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        Ok(Self { start: query.parsed("email")?, paging: Paging::read(query)? })
    }
}

pub(super) async fn list(
    gate: Gate<ListAccounts>,
    services: Data<Services>,
    wanted: Query<Wanted>,
) -> Result<Ok200<Listed<AccountListedView>>, Problem> {
    let Query(Wanted { start, paging }) = wanted;
    paging.answer(&gate, async |by, page| services.staff.list(by, start.as_ref(), page).await).await
}

pub(super) async fn read(
    gate: Gate<ReadAnyAccount>,
    services: Data<Services>,
    id: Id<AccountId>,
) -> Result<Ok200<SeenAccountView>, Problem> {
    let seen = services.staff.read(gate.permit(), id.0).await?;
    Ok(Ok200(SeenAccountView::new(seen, services.clock.now())))
}
