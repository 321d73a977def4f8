//! Connections, in a pool for each runtime that asks.
//!
//! A task drives each connection. Where it lives on the runtime of the request, an answer of the database reaches the request
//! without another thread being woken, which costs more than most queries.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use diesel_async::{
    AsyncPgConnection,
    pooled_connection::deadpool::{Object, Pool, PoolError},
};
use driftstack_domain::change::StoreError;
use tokio::runtime::{Handle, Id};

use super::connect::{Connector, PostgresOptions};

pub(super) struct Pools {
    connector: Connector,
    options: PostgresOptions,
    /// `None` once it is closed.
    by_runtime: RwLock<Option<HashMap<Id, Pool<AsyncPgConnection>>>>,
}

impl Pools {
    pub(super) fn new(connector: Connector, options: PostgresOptions) -> Self {
        Self { connector, options, by_runtime: RwLock::new(Some(HashMap::new())) }
    }

    /// A connection that is driven where this is called.
    pub(super) async fn checkout(&self) -> Result<Object<AsyncPgConnection>, StoreError> {
        self.here()?.get().await.map_err(|error| match error {
            PoolError::Timeout(_) => StoreError::Unavailable("no connection became free in time".to_owned()),
            other => StoreError::Unavailable(other.to_string()),
        })
    }

    /// How many connections there are, and how many of them nobody uses.
    pub(super) fn connections(&self) -> (usize, usize) {
        let pools = self.by_runtime.read().unwrap_or_else(PoisonError::into_inner);
        let all = pools.iter().flat_map(HashMap::values).map(Pool::status);
        all.fold((0, 0), |(size, idle), pool| (size + pool.size, idle + pool.available))
    }

    pub(super) fn close(&self) {
        let pools = self.by_runtime.write().unwrap_or_else(PoisonError::into_inner).take();
        pools.iter().flat_map(HashMap::values).for_each(Pool::close);
    }

    fn here(&self) -> Result<Pool<AsyncPgConnection>, StoreError> {
        let runtime = Handle::current().id();
        let known = self.by_runtime.read().unwrap_or_else(PoisonError::into_inner);
        match known.as_ref().map(|pools| pools.get(&runtime).cloned()) {
            None => Err(closed()),
            Some(Some(pool)) => Ok(pool),
            Some(None) => {
                drop(known);
                self.add(runtime)
            }
        }
    }

    /// Nobody else adds one for this runtime unless it has several threads; then the first one counts. All may have been closed
    /// in between, and nobody would close this one.
    fn add(&self, runtime: Id) -> Result<Pool<AsyncPgConnection>, StoreError> {
        let pool = self.connector.pool(&self.options).map_err(|error| StoreError::Failed(error.to_string()))?;
        let mut pools = self.by_runtime.write().unwrap_or_else(PoisonError::into_inner);
        pools.as_mut().map(|open| open.entry(runtime).or_insert(pool).clone()).ok_or_else(closed)
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pool_that_comes_after_the_end_is_not_handed_out() {
        let options = PostgresOptions::new("postgres://u@127.0.0.1/d".into());
        let pools = Pools::new(Connector::new(&options).unwrap(), options);
        assert!(pools.add(Handle::current().id()).is_ok());
        pools.close();
        assert!(matches!(pools.add(Handle::current().id()), Err(StoreError::Unavailable(_))));
    }
}
