//! Callers who ask and ask again.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;

use crate::{Failure, connection::Connection};

/// Whom to ask for what.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// Whole requests; each time one of them.
    pub requests: Arc<[Vec<u8>]>,
}

/// How many callers there are, and how much they want.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub connections: usize,
    /// Between an answer and the next request. Without it the callers want as much as they can get.
    pub think: Option<Duration>,
    pub length: Duration,
}

/// What became of it.
#[derive(Debug)]
pub struct Tally {
    pub requests: u32,
    pub took: Duration,
    /// From the shortest to the longest.
    pub waits: Vec<Duration>,
}

impl Tally {
    pub fn per_second(&self) -> f64 {
        f64::from(self.requests) / self.took.as_secs_f64()
    }

    /// So long one request in a hundred has waited, or longer.
    pub fn p99(&self) -> Duration {
        let at = self.waits.len().saturating_mul(99) / 100;
        self.waits.get(at).copied().unwrap_or_default()
    }
}

impl Load {
    /// Opens the connections, then calls `begun`, then asks until the time is up.
    pub async fn put_on<T>(self, target: &Target, begun: impl FnOnce() -> T) -> Result<(T, Tally), Failure> {
        let connections = try_join_all((0..self.connections).map(|_| Connection::open(target.address))).await?;
        let begun = begun();
        let since = Instant::now();
        let callers = connections.into_iter().enumerate().map(|(at, connection)| {
            // Each caller has keys of its own, if there are several: two changes of one account at once would wait for each other.
            let own = target.requests.iter().skip(at % target.requests.len()).step_by(self.connections);
            self.call(connection, own.collect(), since)
        });
        let mut waits = try_join_all(callers).await?.concat();
        let took = since.elapsed();
        waits.sort_unstable();
        Ok((begun, Tally { requests: u32::try_from(waits.len())?, took, waits }))
    }

    async fn call(
        self,
        mut connection: Connection,
        requests: Vec<&Vec<u8>>,
        since: Instant,
    ) -> Result<Vec<Duration>, Failure> {
        let mut waits = Vec::new();
        if let Some(think) = self.think {
            // So that they do not all ask at once.
            tokio::time::sleep(think.mul_f64(fastrand::f64())).await;
        }
        while since.elapsed() < self.length {
            let request = requests.get(fastrand::usize(..requests.len())).ok_or("there is no request")?;
            let asked = Instant::now();
            connection.ask(request).await?;
            waits.push(asked.elapsed());
            if let Some(think) = self.think {
                tokio::time::sleep(think).await;
            }
        }
        Ok(waits)
    }
}
