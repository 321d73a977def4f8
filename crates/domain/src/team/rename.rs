//! Reading and renaming one's own team.

use std::sync::Arc;

use super::{noun::Team, port::TeamStore};
use crate::{
    access::Permit,
    audit::AuditAction,
    change::{Change, CommitError, Effects, StoreError, commits},
    desk::Desk,
    id::TeamId,
    name::Name,
    policy::action::{ListTeams, RenameTeam},
};

/// A team with its new name.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Renaming {
    pub team: Team,
    pub change: Change,
}

impl Renaming {
    pub(crate) fn new<A>(desk: &Desk, by: &Permit<A>, mut team: Team, name: Name) -> Self {
        let entry = desk
            .audit(by, AuditAction::TeamUpdated)
            .on(team.id)
            .with_personal(desk, "from", team.name.as_str())
            .with_personal(desk, "to", name.as_str());
        (team.name, team.updated_at) = (name, desk.now());
        Self { team, change: Change::new(by, Effects::audited(entry)) }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// Also for a team of somebody else.
    #[error("no such team")]
    NotFound,
    #[error(transparent)]
    Commit(#[from] CommitError),
}

commits!(RenameError);

/// One's own team.
pub struct Teams {
    store: Arc<dyn TeamStore>,
    desk: Desk,
}

impl Teams {
    pub fn new(store: Arc<dyn TeamStore>, desk: Desk) -> Self {
        Self { store, desk }
    }

    pub async fn list(&self, by: &Permit<ListTeams>) -> Result<Vec<Team>, StoreError> {
        Ok(self.store.team_of(by.workspace()).await?.into_iter().collect())
    }

    pub async fn rename(&self, by: &Permit<RenameTeam>, id: TeamId, name: Name) -> Result<Team, RenameError> {
        let team =
            self.store.team_of(by.workspace()).await?.filter(|team| team.id == id).ok_or(RenameError::NotFound)?;
        let it = Renaming::new(&self.desk, by, team, name);
        self.store.commit_renaming(&it).await?;
        Ok(it.team)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        team::port::MockTeamStore,
        testing::{desk, people},
    };

    fn team() -> Team {
        Team::new(TeamId::new(people::uuid(50)), &people::account(people::OLIVE, "olive@example.com"))
    }

    fn teams(commits: usize) -> Teams {
        let mut store = MockTeamStore::new();
        store.expect_team_of().returning(|_| Ok(Some(team())));
        store.expect_commit_renaming().times(commits).withf(|it| it.team.name.as_str() == "Acme").returning(|_| Ok(()));
        Teams::new(Arc::new(store), desk())
    }

    #[tokio::test]
    async fn the_new_name_is_committed() {
        let renamed = teams(1).rename(&people::permit(), team().id, people::name("Acme")).await.unwrap();
        assert_eq!(renamed.name.as_str(), "Acme");
    }

    #[tokio::test]
    async fn a_foreign_team_is_not_found() {
        let other = TeamId::new(people::uuid(51));
        assert!(matches!(
            teams(0).rename(&people::permit(), other, people::name("Acme")).await,
            Err(RenameError::NotFound)
        ));
    }

    #[test]
    fn a_new_team_has_a_name() {
        let mut account = people::account(people::OLIVE, "olive@example.com");
        account.name = None;
        assert_eq!(Team::new(team().id, &account).name.as_str(), "olive");
        account.name = Some(people::name("Olive & Sons"));
        assert_eq!(Team::new(team().id, &account).name.as_str(), "Olive & Sons");
    }
}
