use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisResult, aio::MultiplexedConnection};
use tokio::runtime::Handle;

/// An attempt to connect may take so long: several round trips, a look-up of the name and a handshake.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// The connection that all charges share: made when it is first wanted, and made anew after it was given up.
///
/// Not the `ConnectionManager` of the redis crate: that one keeps a connection that has gone silent, and never tries again
/// after an attempt that failed otherwise than by an I/O error, such as while Redis still loads its data.
pub(super) struct Link {
    client: Client,
    home: Handle,
    current: Mutex<Option<Attempt>>,
}

/// A connection that is there, is coming, or has failed to come.
///
/// It is made by a task of its own in the runtime that opened the link. So a caller whose time is up does not break off the
/// attempt for the others, and the connection does not end with the worker thread that happened to want it first.
#[derive(Clone)]
pub(super) struct Attempt(Shared<BoxFuture<'static, RedisResult<MultiplexedConnection>>>);

impl Link {
    pub(super) fn new(client: Client, home: Handle) -> Self {
        Self { client, home, current: Mutex::default() }
    }

    /// The attempt of all; a new one when the last has failed.
    pub(super) fn attempt(&self) -> Attempt {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|attempt| attempt.has_failed());
        current.get_or_insert_with(|| self.connect()).clone()
    }

    /// Something has gone wrong with this connection, so that the next charge shall have another one.
    pub(super) fn give_up(&self, attempt: &Attempt) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // Another charge may have come before.
        current.take_if(|current| current.0.ptr_eq(&attempt.0));
    }

    fn connect(&self) -> Attempt {
        let client = self.client.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            // Each charge has a time-out of its own.
            .set_response_timeout(None);
        let task = self.home.spawn(async move { client.get_multiplexed_async_connection_with_config(&config).await });
        let ended = |_| Err((ErrorKind::Client, "the runtime of the connection has ended").into());
        Attempt(task.map(move |joined| joined.unwrap_or_else(ended)).boxed().shared())
    }
}

impl Attempt {
    pub(super) async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        self.0.clone().await
    }

    /// Whether the connection is there, as far as anybody knows.
    pub(super) fn is_connected(&self) -> bool {
        matches!(self.0.peek(), Some(Ok(_)))
    }

    fn has_failed(&self) -> bool {
        matches!(self.0.peek(), Some(Err(_)))
    }
}
