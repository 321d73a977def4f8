use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use driftstack_domain::{
    change::{CommitError, StoreError},
    id::AccountId,
    team::{Renaming, Team, TeamStore},
};
use futures_util::FutureExt;
use tracing::instrument;

use super::{super::Store, Answer, Conn, Fault};
use crate::{
    cached::update,
    rows::{InTable, Row},
    schema::teams,
    types::b,
};

#[async_trait]
impl TeamStore for Store {
    #[instrument(level = "debug", name = "db.team.of", skip_all)]
    async fn team_of(&self, owner: AccountId) -> Result<Option<Team>, StoreError> {
        self.read(move |c| team_of(c, owner).boxed()).await
    }

    #[instrument(level = "debug", name = "db.team.commit_renaming", skip_all)]
    async fn commit_renaming(&self, it: &Renaming) -> Result<(), CommitError> {
        self.commit(it, |c, it| renaming(c, &it.team).boxed()).await
    }
}

async fn team_of(c: &mut Conn, owner: AccountId) -> Answer<Option<Team>> {
    let team = teams::table.filter(teams::owner.eq(b(&owner))).select(Team::COLUMNS);
    Ok(team.get_result::<Row<Team>>(c).await.optional()?.map(Row::into_inner))
}

async fn renaming(c: &mut Conn, team: &Team) -> Answer<()> {
    let renamed = update(teams::table.find(b(&team.id)).filter(teams::owner.eq(b(&team.owner))))
        .set((teams::name.eq(b(&team.name)), teams::updated_at.eq(b(&team.updated_at))))
        .execute(c)
        .await?;
    Fault::unless_one(renamed)
}
