//! Redis goes away and comes back.

use std::time::{Duration, Instant};

use driftstack_domain::limit::{Limiter, Quota};
use driftstack_limiter::{RedisLimiter, RemoteLimiter, WithFallback};

use crate::{
    KEY,
    proxy::Proxy,
    seen::Seen,
    server::{Counting, Server},
};

const QUOTA: Quota = Quota::new(1000, 1, Duration::from_hours(1));

/// Longer than Redis is left alone for after it has failed.
const PAUSE: Duration = Duration::from_millis(1100);

/// How long the limiters of these tests wait: longer than a noisy machine keeps a Redis that is well from answering.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

fn open(url: &str) -> WithFallback<RedisLimiter> {
    WithFallback::new(RedisLimiter::open(url).unwrap().answer_within(ANSWER_WITHIN))
}

async fn left(limiter: &impl Limiter) -> u32 {
    limiter.charge(KEY, QUOTA).await.remaining
}

/// Charges until Redis counts again, which it does from the given number on; on a noisy machine not at the first try.
async fn until_left(limiter: &impl Limiter, wanted: u32) {
    let since = Instant::now();
    while left(limiter).await != wanted {
        assert!(since.elapsed() < Duration::from_secs(20), "Redis does not come back");
        tokio::time::sleep(PAUSE).await;
    }
}

fn up(seen: &Seen) -> f64 {
    seen.metric("driftstack_limiter_redis_up")
}

fn fallen_back(seen: &Seen) -> f64 {
    seen.metric("driftstack_limiter_fallback_total")
}

macro_rules! assert_is {
    ($told:expr, $expected:expr) => {
        assert!(($told - f64::from($expected)).abs() < 0.5, "{} is not {}", $told, $expected);
    };
}

#[test]
fn redis_counts_as_long_as_it_is_there() {
    Seen::by(async |seen| {
        let server = Server::start();
        let limiter = open(&server.url());
        assert_eq!((left(&limiter).await, left(&open(&server.url())).await), (999, 998));
        assert_is!(up(seen), 1);
        assert_is!(fallen_back(seen), 0);
    });
}

#[test]
fn a_killed_redis_is_replaced_by_memory_until_it_is_back() {
    Seen::by(async |seen| {
        let mut server = Server::start();
        let limiter = open(&server.url());
        assert_eq!((left(&limiter).await, left(&limiter).await), (999, 998));
        assert_is!(fallen_back(seen), 0);

        server.kill();
        let since = Instant::now();
        for charged in 1..=200 {
            assert_eq!(left(&limiter).await, 1000 - charged, "memory counts");
        }
        assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
        let [line] = seen.lines();
        assert!(line.contains("WARN") && line.contains("Redis is away"), "{line}");
        assert_is!(up(seen), 0);
        assert_is!(fallen_back(seen), 200);

        // A probe that fails is no news.
        tokio::time::sleep(PAUSE).await;
        assert_eq!(left(&limiter).await, 799);
        assert_eq!(seen.lines::<1>(), [line]);

        server.start_again();
        until_left(&limiter, 999).await;
        let [_, line] = seen.lines();
        assert!(line.contains("INFO") && line.contains("Redis is back"), "{line}");
        assert_is!(up(seen), 1);
        assert_eq!(left(&limiter).await, 998);
        assert_eq!(seen.log().lines().count(), 2);
    });
}

#[test]
fn a_redis_that_was_away_from_the_start_is_found_when_it_comes() {
    Seen::by(async |seen| {
        let mut server = Server::start();
        server.kill();
        let limiter = open(&server.url());
        assert_eq!((left(&limiter).await, left(&limiter).await), (999, 998));
        assert_is!(up(seen), 0);
        server.start_again();
        tokio::time::sleep(PAUSE).await;
        until_left(&limiter, 999).await;
        assert_is!(up(seen), 1);
    });
}

/// A restart between two charges, or somebody on the way who cuts connections that lie idle.
#[test]
fn a_connection_that_was_cut_is_replaced_unnoticed() {
    Seen::by(async |seen| {
        let server = Server::start();
        let limiter = open(&server.url());
        assert_eq!(left(&limiter).await, 999);
        for charged in 2..20 {
            let cut = redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").to_owned();
            let () = cut.query_async(&mut server.connect().await).await.unwrap();
            assert_eq!(left(&limiter).await, 1000 - charged);
        }
        assert_eq!(seen.log(), "");
    });
}

#[test]
fn a_redis_that_hangs_holds_up_one_charge_in_a_pause() {
    Seen::by(async |seen| {
        let server = Server::start();
        let limiter = open(&server.url());
        assert_eq!((left(&limiter).await, left(&limiter).await), (999, 998));

        server.hang();
        let since = Instant::now();
        assert_eq!(left(&limiter).await, 999, "memory counts");
        assert!(since.elapsed() >= ANSWER_WITHIN, "it was not even asked");
        for charged in 2..=100 {
            assert_eq!(left(&limiter).await, 1000 - charged);
        }
        assert!(since.elapsed() < 2 * ANSWER_WITHIN, "{:?}", since.elapsed());
        tokio::time::sleep(PAUSE).await;
        let since = Instant::now();
        assert_eq!((left(&limiter).await, left(&limiter).await), (899, 898));
        assert!(since.elapsed() < 2 * ANSWER_WITHIN, "{:?}", since.elapsed());
        let [line] = seen.lines();
        assert!(line.contains("timed out"), "{line}");

        server.go_on();
        // It works off what it was sent meanwhile, which nobody waits for any more.
        until_shared(&limiter, &server).await;
        assert_is!(up(seen), 1);
        let [_, line] = seen.lines();
        assert!(line.contains("Redis is back"), "{line}");
    });
}

/// Until two charges come one after the other, the second by somebody who has no fallback.
async fn until_shared(limiter: &impl Limiter, server: &Server) {
    let strict = RedisLimiter::open(&server.url()).unwrap().answer_within(Duration::from_secs(30));
    let since = Instant::now();
    while left(limiter).await != strict.try_charge(KEY, QUOTA).await.unwrap().remaining + 1 {
        assert!(since.elapsed() < Duration::from_secs(20), "Redis does not come back");
        tokio::time::sleep(PAUSE).await;
    }
}

/// A host that is gone does not even close its connections, and the kernel believes in them for a quarter of an hour.
#[test]
fn a_connection_that_has_gone_silent_is_replaced() {
    Seen::by(async |seen| {
        let server = Server::start();
        let proxy = Proxy::to(&server, Duration::ZERO).await;
        let limiter = open(&proxy.url());
        assert_eq!((left(&limiter).await, left(&limiter).await), (999, 998));
        proxy.fall_silent();
        assert_eq!(left(&limiter).await, 999, "memory counts");
        tokio::time::sleep(PAUSE).await;
        until_left(&limiter, 997).await;
        assert_eq!(seen.log().lines().count(), 2);
    });
}

#[test]
fn a_connection_that_is_slow_to_come_is_waited_for_by_nobody_and_comes() {
    Seen::by(async |seen| {
        let server = Server::start();
        let proxy = Proxy::to(&server, 2 * ANSWER_WITHIN).await;
        let limiter = open(&proxy.url());
        assert_eq!(left(&limiter).await, 999, "memory counts");
        assert_is!(up(seen), 0);
        tokio::time::sleep(PAUSE).await;
        until_left(&limiter, 999).await;
        assert_is!(up(seen), 1);
    });
}

/// With the time-out that the app uses.
#[test]
fn nobody_waits_for_a_connection_that_does_not_come() {
    Seen::by(async |seen| {
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("redis://{}", silent.local_addr().unwrap());
        let limiter = WithFallback::new(RedisLimiter::open(&url).unwrap());
        let since = Instant::now();
        for charged in 1..=50 {
            assert_eq!(left(&limiter).await, 1000 - charged);
        }
        assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
        assert_eq!(seen.log().lines().count(), 1);
    });
}

#[test]
fn many_at_once_wait_for_a_hanging_redis_but_once() {
    Seen::by(async |seen| {
        let server = Server::start();
        let limiter = open(&server.url());
        left(&limiter).await;
        server.hang();
        let since = Instant::now();
        let charges = (0..100).map(|_| limiter.charge(KEY, QUOTA));
        assert!(futures_util::future::join_all(charges).await.iter().all(|verdict| verdict.allowed));
        assert!(since.elapsed() < 3 * ANSWER_WITHIN, "{:?}", since.elapsed());
        assert_eq!(seen.log().lines().count(), 1);
        assert_is!(fallen_back(seen), 100);
    });
}
