use std::{fmt, io, time::Duration};

use async_trait::async_trait;
use driftstack_domain::limit::{LimitKey, Quota, Verdict};
use redis::{Client, ConnectionAddr, RedisError, RedisResult, ScriptInvocation};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::{
    gcra::{Answer, Gcra},
    key::Keys,
    link::{Attempt, Link},
};
use crate::fallback::RemoteLimiter;

/// A charge may take so long. Every request is charged, so this is what a Redis that hangs may add to one; a Redis that is
/// well, and near, answers in a hundredth of it.
const ANSWER_WITHIN: Duration = Duration::from_millis(100);

/// Counts in Redis, so that all processes of a deployment share one limit.
///
/// A charge is one call of one script on one key, and one round trip. Time is that of the Redis server, in microseconds, so an
/// interval is rounded up to the next whole one. A key expires when its bucket is full. Quotas with the same capacity and the
/// same [`Quota::replenish_interval`] are the same quota.
///
/// All charges share one connection. It is made at the first charge, and made anew after it has failed.
pub struct RedisLimiter {
    link: Link,
    keys: Keys,
    answer_within: Duration,
}

/// Why a limiter was not opened. It says nothing of the URL, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    #[error("this is not the URL of a Redis server, such as `redis://user:password@localhost:6379/0`")]
    Url,
    #[error("the certificate of a Redis server is always checked: `#insecure` is not possible")]
    Insecure,
    #[error("a Redis limiter is opened inside a tokio runtime")]
    NoRuntime,
}

/// Why a charge was not counted.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Unanswered(RedisError);

impl RedisLimiter {
    /// A limiter on the server with this URL, which need not be there yet.
    ///
    /// Its connection lives in the runtime that this is called in, which should therefore outlive the limiter.
    pub fn open(url: &str) -> Result<Self, OpenError> {
        let home = Handle::try_current().map_err(|_| OpenError::NoRuntime)?;
        Ok(Self { link: Link::new(client(url)?, home), keys: Keys::new(), answer_within: ANSWER_WITHIN })
    }

    /// Puts this into each key, so that deployments can share a Redis.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        Self { keys: Keys::with_prefix(prefix), ..self }
    }

    /// Waits so long for an answer; a tenth of a second unless told. Meant for a Redis that is far away.
    #[must_use]
    pub const fn answer_within(mut self, time: Duration) -> Self {
        self.answer_within = time;
        self
    }

    async fn run(&self, charge: &ScriptInvocation<'_>) -> RedisResult<Answer> {
        let deadline = Instant::now() + self.answer_within;
        let first = self.run_once(charge, deadline).await;
        match first {
            // Connections that lie idle are cut for many reasons, and only another one can tell whether Redis is away. Should
            // the first charge have been counted nevertheless, a token is lost, and nobody gets one too many.
            Err(error) if error.is_connection_dropped() => self.run_once(charge, deadline).await,
            answer => answer,
        }
    }

    async fn run_once(&self, charge: &ScriptInvocation<'_>, deadline: Instant) -> RedisResult<Answer> {
        let attempt = self.link.attempt();
        let answer = timeout_at(deadline, invoke(&attempt, charge)).await;
        let answer = answer.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
        // What is still connecting may yet succeed. But whatever goes wrong later, the connection may be why: it may lead to a
        // host that is gone without a word, or that is a replica by now.
        if answer.is_err() && attempt.is_connected() {
            self.link.give_up(&attempt);
        }
        answer
    }
}

/// Should Redis not know the script yet, or no longer, this sends it along, and only then it is not one round trip.
async fn invoke(attempt: &Attempt, charge: &ScriptInvocation<'_>) -> RedisResult<Answer> {
    let mut connection = attempt.connection().await?;
    charge.invoke_async(&mut connection).await
}

/// The errors of the redis crate are not passed on, since some repeat a part of the URL.
fn client(url: &str) -> Result<Client, OpenError> {
    let client = Client::open(url).map_err(|_| OpenError::Url)?;
    match client.get_connection_info().addr() {
        // Every charge would fail.
        ConnectionAddr::TcpTls { insecure: true, .. } => Err(OpenError::Insecure),
        _ => Ok(client),
    }
}

#[async_trait]
impl RemoteLimiter for RedisLimiter {
    type Error = Unanswered;

    async fn try_charge(&self, key: LimitKey, quota: Quota) -> Result<Verdict, Unanswered> {
        let gcra = Gcra::of(quota);
        let charge = gcra.charge(&self.keys.name(key, quota));
        self.run(&charge).await.map(|answer| gcra.verdict(answer)).map_err(Unanswered)
    }
}

/// Without the URL.
impl fmt::Debug for RedisLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisLimiter")
    }
}
