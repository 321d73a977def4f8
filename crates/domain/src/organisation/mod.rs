//! The same accounts and teams, seen as members of organisations: what another dialect of the API speaks of.
//!
//! An organisation is a team; its owner is the account that owns the team. An account has one **active** organisation: its own,
//! or one that it is a member of. A credential acts in it with the member's role of now; that of a key is fixed when it is
//! minted, to the account that it is minted on. There is no second set of rules: the roles are those of the policy table, keys,
//! names and preferences those of the other concepts. What is of this concept alone is the choice of the organisation, the
//! numbers, and what the plan of an organisation permits.

mod keys;
mod me;
mod notices;
mod noun;
mod permission;
mod port;
mod rename;

pub use keys::OrganisationKeyOrder;
pub use me::{MemberChange, MemberError};
pub use notices::{Notice, NoticeChange, NoticeChoice, NoticeError, SeenNotices};
pub use noun::{
    Member, MemberNumber, Organisation, OrganisationChoice, OrganisationNumber, OrganisationNumberError, OwnerShown,
    SeenMember, SeenOrganisation,
};
pub use permission::{Feature, FeatureError, SearchResults, TierGate};
#[cfg(feature = "testing")]
pub use port::MockOrganisationStore;
pub use port::OrganisationStore;
pub use rename::RenameOrganisationError;

use std::sync::Arc;

use crate::{api_key::ApiKeys, desk::Desk, team::TeamStore};

/// Members and their organisations.
pub struct Organisations {
    store: Arc<dyn OrganisationStore>,
    teams: Arc<dyn TeamStore>,
    keys: ApiKeys,
    desk: Desk,
}

impl Organisations {
    pub fn new(store: Arc<dyn OrganisationStore>, teams: Arc<dyn TeamStore>, keys: ApiKeys, desk: Desk) -> Self {
        Self { store, teams, keys, desk }
    }
}
