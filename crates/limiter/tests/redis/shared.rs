//! Several limiters on one Redis, as in a deployment of several processes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use driftstack_domain::limit::Quota;
use driftstack_limiter::{RedisLimiter, RemoteLimiter};
use redis::aio::MultiplexedConnection;
use tokio::runtime::Builder;

use crate::{
    KEY,
    server::{self, Counting, Server, unused_prefix},
};

const HOUR: Duration = Duration::from_hours(1);

fn two() -> [Arc<RedisLimiter>; 2] {
    let prefix = unused_prefix();
    [(); 2].map(|()| Arc::new(server::shared().limiter_of(&prefix)))
}

#[tokio::test]
async fn limiters_on_one_redis_share_a_limit() {
    let [one, other] = two();
    let quota = Quota::new(4, 1, HOUR);
    for left in [3, 2, 1, 0] {
        let limiter = if left % 2 == 1 { &one } else { &other };
        assert_eq!(limiter.try_charge(KEY, quota).await.unwrap().remaining, left);
    }
    assert!(!one.try_charge(KEY, quota).await.unwrap().allowed);
    assert!(!other.try_charge(KEY, quota).await.unwrap().allowed);
}

#[tokio::test]
async fn limiters_with_different_prefixes_do_not_share_it() {
    let quota = Quota::new(1, 1, HOUR);
    for _ in 0..2 {
        assert!(server::shared().limiter().try_charge(KEY, quota).await.unwrap().allowed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn chargers_at_once_over_both_never_get_more_than_the_capacity() {
    let limiters = two();
    let quota = Quota::new(50, 1, HOUR);
    let chargers: Vec<_> = (0..200)
        .map(|n| {
            let limiter = limiters[n % 2].clone();
            tokio::spawn(async move { limiter.try_charge(KEY, quota).await.unwrap() })
        })
        .collect();
    let mut left = Vec::new();
    for charger in chargers {
        let verdict = charger.await.unwrap();
        left.extend(verdict.allowed.then_some(verdict.remaining));
    }
    left.sort_unstable();
    assert_eq!(left, (0..50).collect::<Vec<_>>(), "each token is given once");
}

/// Such as that of a worker thread of the HTTP server, which ends earlier than others.
#[tokio::test]
async fn a_connection_does_not_end_with_the_runtime_that_wanted_it_first() {
    let server = Server::start();
    let (limiter, quota) = (Arc::new(server.limiter()), Quota::new(2, 1, HOUR));
    let first = limiter.clone();
    let worker = move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(first.try_charge(KEY, quota)).unwrap()
    };
    assert_eq!(tokio::task::spawn_blocking(worker).await.unwrap().remaining, 1);

    let mut redis = server.connect().await;
    let before = connections(&mut redis).await;
    assert_eq!(limiter.try_charge(KEY, quota).await.unwrap().remaining, 0);
    assert_eq!(connections(&mut redis).await, before);
}

/// How many there have been since the server was started.
async fn connections(redis: &mut MultiplexedConnection) -> u64 {
    let told: String = redis::cmd("INFO").arg("stats").query_async(redis).await.unwrap();
    told.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap().parse().unwrap()
}

/// When a charge was sent and when it was answered; Redis decided in between.
struct Given {
    sent: Instant,
    answered: Instant,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_window_ever_has_more_than_it_may() {
    let (limiters, quota) = (two(), Quota::new(5, 1, Duration::from_millis(20)));
    let end = Instant::now() + Duration::from_millis(1500);
    let chargers: Vec<_> = (0..8).map(|n| tokio::spawn(charge_until(end, limiters[n % 2].clone(), quota))).collect();
    let mut given = Vec::new();
    for charger in chargers {
        given.extend(charger.await.unwrap());
    }
    // Far fewer only come on a machine that stands still.
    assert!(given.len() > 20, "only {} were given", given.len());
    assert_windows(&given, quota);
}

async fn charge_until(end: Instant, limiter: Arc<RedisLimiter>, quota: Quota) -> Vec<Given> {
    let mut given = Vec::new();
    while Instant::now() < end {
        let sent = Instant::now();
        if limiter.try_charge(KEY, quota).await.unwrap().allowed {
            given.push(Given { sent, answered: Instant::now() });
        }
        tokio::time::sleep(Duration::from_micros(fastrand::u64(..5000))).await;
    }
    given
}

/// A window as long as `n` intervals may hold the capacity and `n` more, and one for the part of an interval.
fn assert_windows(given: &[Given], quota: Quota) {
    for first in given {
        for last in given.iter().filter(|last| last.answered >= first.sent) {
            // Those that were certainly decided within the window, which is no longer than from here to there.
            let within = given.iter().filter(|it| first.sent <= it.sent && it.answered <= last.answered).count();
            let length = last.answered - first.sent;
            let intervals = length.as_micros() / quota.replenish_interval().as_micros();
            let most = usize::try_from(u128::from(quota.capacity()) + intervals + 1).unwrap();
            assert!(within <= most, "{within} within {length:?}, which may have {most}");
        }
    }
}
