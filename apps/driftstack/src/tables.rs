use std::time::Duration;

use crate::wire::{OpenStore, StartError};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// The tables, as a process sees them that can wait for its database.
pub(crate) struct Tables<'s> {
    store: &'s OpenStore,
    migrate: bool,
    /// Why the database could not be asked.
    away: Option<String>,
}

impl<'s> Tables<'s> {
    /// Looks once. A database that is away is no error, but the log says so: the URL may be wrong.
    pub(crate) async fn look(store: &'s OpenStore, migrate: bool) -> Result<Self, StartError> {
        let mut tables = Self { store, migrate, away: None };
        tables.look_again().await?;
        Ok(tables)
    }

    /// Resolves when they are there, and are those that this binary knows.
    pub(crate) async fn arrive(mut self) -> Result<(), StartError> {
        while self.away.is_some() {
            tokio::time::sleep(PAUSE).await;
            self.look_again().await?;
            if self.away.is_none() {
                tracing::info!("the database is there");
            }
        }
        Ok(())
    }

    async fn look_again(&mut self) -> Result<(), StartError> {
        let away = self.store.tables_unless_away(self.migrate).await?.map(|error| error.to_string());
        if let Some(problem) = &away
            && self.away != away
        {
            tracing::error!(problem, "the database is away; until it is there, calls are answered with 503");
        }
        self.away = away;
        Ok(())
    }
}
