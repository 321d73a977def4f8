//! The store of a deployment: which it is, and its tables.

use std::sync::Arc;

use driftstack_domain::change::StoreError;
use driftstack_store::{MigrateError, PostgresStore, SqliteStore};

use super::{adapters::Parts, error::StartError, services::Services};
use crate::config::{Database, Settings};

/// The store of this deployment.
#[derive(Debug, Clone)]
pub enum OpenStore {
    File(SqliteStore),
    Postgres(PostgresStore),
}

/// Opens the store, with tables as this binary needs them.
pub async fn open_store(database: &Database, migrate: bool) -> Result<OpenStore, StartError> {
    let store = prepare_store(database).await?;
    store.tables(migrate).await.map_err(tables_problem)?;
    Ok(store)
}

/// The store, before anybody has looked at its tables. A file is opened; nothing is connected to a Postgres yet.
pub async fn prepare_store(database: &Database) -> Result<OpenStore, StartError> {
    match database {
        Database::File(path) => {
            let store = SqliteStore::open(path).await;
            store.map(OpenStore::File).map_err(|error| StartError::new("DRIFTSTACK_DATABASE_URL", error))
        }
        Database::Postgres(options) => {
            let store = PostgresStore::open(options);
            store.map(OpenStore::Postgres).map_err(|error| StartError::new("DRIFTSTACK_DATABASE_URL", error))
        }
    }
}

fn tables_problem(error: MigrateError) -> StartError {
    StartError::new("the database's tables", error)
}

impl OpenStore {
    /// Sees to the tables. Those of a file are brought up to date; those of a Postgres only if that is asked for, as several
    /// processes share them and whoever operates them may want to choose the moment.
    async fn tables(&self, migrate: bool) -> Result<(), MigrateError> {
        match self {
            Self::File(store) => store.migrate().await.map(drop),
            Self::Postgres(store) if migrate => store.migrate().await.map(drop),
            Self::Postgres(store) => store.check_schema().await,
        }
    }

    /// The same, by a process that can wait: why the database could not be asked, if it could not.
    pub async fn tables_unless_away(&self, migrate: bool) -> Result<Option<StoreError>, StartError> {
        match self.tables(migrate).await {
            Ok(()) => Ok(None),
            Err(MigrateError::Store(away @ StoreError::Unavailable(_))) => Ok(Some(away)),
            Err(error) => Err(tables_problem(error)),
        }
    }

    pub fn services(&self, parts: Parts, settings: &Settings) -> Services {
        match self {
            Self::File(store) => Services::new(Arc::new(store.clone()), parts, settings),
            Self::Postgres(store) => Services::new(Arc::new(store.clone()), parts, settings),
        }
    }

    pub async fn close(self) {
        match self {
            Self::File(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}
