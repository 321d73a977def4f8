//! What the tests want of a Redis server.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use driftstack_limiter::RedisLimiter;
pub use driftstack_test_servers::Redis as Server;
use redis::aio::MultiplexedConnection;

pub trait Counting {
    /// A limiter whose keys nobody else has, and which waits for an answer, however slow the machine is.
    fn limiter(&self) -> RedisLimiter {
        self.limiter_of(&unused_prefix())
    }

    fn limiter_of(&self, prefix: &str) -> RedisLimiter;

    /// To look at the keys.
    async fn connect(&self) -> MultiplexedConnection;
}

impl Counting for Server {
    fn limiter_of(&self, prefix: &str) -> RedisLimiter {
        RedisLimiter::open(&self.url()).unwrap().with_prefix(prefix).answer_within(Duration::from_secs(30))
    }

    async fn connect(&self) -> MultiplexedConnection {
        redis::Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }
}

/// The server of all tests that only want keys of their own.
pub fn shared() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
    &SERVER
}

pub fn unused_prefix() -> String {
    static USED: AtomicUsize = AtomicUsize::new(0);
    format!("test{}", USED.fetch_add(1, Ordering::Relaxed))
}
