//! Reading and renaming the active organisation.

use super::{Organisations, noun::Organisation};
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, StoreError, commits},
    name::Name,
    policy::action::{ReadOrganisation, RenameOrganisation},
    team::{Renaming, Team},
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
        let entry = self
            .desk
            .audit(by, AuditAction::TeamUpdated)
            .on(seen.team.id)
            .with("from", seen.team.name.as_str())
            .with("to", name.as_str());
        let team = Team { name, updated_at: self.desk.now(), ..seen.team };
        let it = Renaming { team, change: Change::new(by, Effects::audited(entry)) };
        self.teams.commit_renaming(&it).await?;
        Ok(Organisation { team: it.team, ..seen })
    }

    async fn of<A>(&self, by: &Permit<A>) -> Result<Organisation, StoreError> {
        let seen = self.store.organisation(by.workspace()).await?;
        seen.ok_or_else(|| StoreError::Failed("a workspace is no organisation".to_owned()))
    }
}
