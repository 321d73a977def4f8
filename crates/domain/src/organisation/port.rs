use async_trait::async_trait;

use super::{
    me::MemberChange,
    notices::{NoticeChange, SeenNotices},
    noun::{Organisation, OrganisationChoice, OrganisationNumber, SeenMember, SeenOrganisation},
};
use crate::{
    change::{CommitError, StoreError},
    id::AccountId,
};

/// Members and organisations. Every account and every team MUST have a number of its own from its first moment on, also when
/// many are made at once, and keep it; a number MUST NOT be given twice.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait OrganisationStore: Send + Sync {
    /// A person beside the team of `owner`, whether or not they are on it.
    async fn seen_member(&self, person: AccountId, owner: AccountId) -> Result<Option<SeenMember>, StoreError>;

    async fn organisation(&self, owner: AccountId) -> Result<Option<Organisation>, StoreError>;

    /// The organisation of that number; `role` MUST be that of the active membership of `person`.
    async fn seen_organisation(
        &self,
        number: OrganisationNumber,
        person: AccountId,
    ) -> Result<Option<SeenOrganisation>, StoreError>;

    /// The organisations of others that a person is a member of and whose owners are active, newest membership first, at most
    /// `limit`.
    async fn organisations_of(&self, person: AccountId, limit: u16) -> Result<Vec<OrganisationChoice>, StoreError>;

    async fn seen_notices(&self, person: AccountId) -> Result<Option<SeenNotices>, StoreError>;

    async fn commit_member(&self, it: &MemberChange) -> Result<(), CommitError>;

    /// Saying the same thing twice MUST be saying it once.
    async fn commit_notices(&self, it: &NoticeChange) -> Result<(), CommitError>;
}
