//! Reading and renaming the active organisation.

use super::{Organisations, noun::Organisation};
use crate::{
    access::Permit,
    change::{CommitError, StoreError, commits},
    name::Name,
    policy::action::{ReadOrganisation, RenameOrganisation},
    team::Renaming,
};

#[derive(Debug, thiserror::Error)]
pub enum RenameOrganisationError {
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(RenameOrganisationError);

impl Organisations {
    pub async fn organisation(&self, by: &Permit<ReadOrganisation>) -> Result<Organisation, StoreError> {
        self.of(by).await
    }

    pub async fn rename(
        &self,
        by: &Permit<RenameOrganisation>,
        name: Name,
    ) -> Result<Organisation, RenameOrganisationError> {
        let seen = self.of(by).await?;
        let it = Renaming::new(&self.desk, by, seen.team.clone(), name);
        self.teams.commit_renaming(&it).await?;
        Ok(Organisation { team: it.team, ..seen })
    }

    async fn of<A>(&self, by: &Permit<A>) -> Result<Organisation, StoreError> {
        let seen = self.store.organisation(by.workspace()).await?;
        seen.ok_or_else(|| StoreError::Failed("a workspace is no organisation".to_owned()))
    }
}
