//! A bucket as it stands in Redis.

use std::time::{Duration, Instant};

use driftstack_domain::limit::{Quota, Verdict};
use driftstack_limiter::{RedisLimiter, RemoteLimiter};
use redis::{AsyncCommands, aio::MultiplexedConnection};
use rstest::rstest;

use crate::{
    KEY,
    server::{self, Counting, Server, unused_prefix},
};

const HOUR: Duration = Duration::from_hours(1);

/// A limiter that has charged nobody yet, and a look at its keys.
struct Bucket {
    limiter: RedisLimiter,
    prefix: String,
    redis: MultiplexedConnection,
}

impl Bucket {
    async fn new() -> Self {
        Self::on(server::shared()).await
    }

    async fn on(server: &Server) -> Self {
        let prefix = unused_prefix();
        Self { limiter: server.limiter_of(&prefix), redis: server.connect().await, prefix }
    }

    async fn charge(&self, quota: Quota) -> Verdict {
        self.limiter.try_charge(KEY, quota).await.unwrap()
    }

    async fn names(&mut self) -> Vec<String> {
        self.redis.keys(format!("driftstack:limit:{}:*", self.prefix)).await.unwrap()
    }

    /// Of the only bucket.
    async fn name(&mut self) -> String {
        let names = self.names().await;
        assert_eq!(names.len(), 1, "{names:?}");
        names[0].clone()
    }

    /// When the only bucket is full, in microseconds; `None` when it is.
    async fn full_at(&mut self) -> Option<u64> {
        let name = self.names().await.pop()?;
        self.redis.get(name).await.unwrap()
    }

    async fn now(&mut self) -> u64 {
        let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut self.redis).await.unwrap();
        seconds * 1_000_000 + micros
    }
}

#[tokio::test]
async fn a_key_goes_when_its_bucket_is_full() {
    let mut bucket = Bucket::new().await;
    let quota = Quota::new(5, 1, Duration::from_millis(400));
    bucket.charge(quota).await;
    let verdict = bucket.charge(quota).await;
    let name = bucket.name().await;
    let left: u64 = bucket.redis.pttl(&name).await.unwrap();
    assert!(Duration::from_millis(left) <= verdict.full_after + Duration::from_millis(1));
    tokio::time::sleep(verdict.full_after + Duration::from_millis(2)).await;
    assert_eq!(bucket.names().await, [""; 0]);
}

/// Else the first charge after it would be taken for one of a full bucket.
#[tokio::test]
async fn a_key_stays_until_its_bucket_is_full() {
    let mut bucket = Bucket::new().await;
    // Not a whole number of milliseconds, in which Redis counts.
    let quota = Quota::new(1000, 1, Duration::from_nanos(3_600_000_000_500));
    for _ in 0..3 {
        bucket.charge(quota).await;
        let name = bucket.name().await;
        let expires_at: u64 = redis::cmd("PEXPIRETIME").arg(&name).query_async(&mut bucket.redis).await.unwrap();
        // Redis counts from its clock in whole milliseconds.
        assert!((expires_at + 1) * 1000 >= bucket.full_at().await.unwrap());
    }
}

#[tokio::test]
async fn a_refused_charge_leaves_the_key_alone() {
    let mut bucket = Bucket::new().await;
    let quota = Quota::new(2, 1, HOUR);
    bucket.charge(quota).await;
    bucket.charge(quota).await;
    let full_at = bucket.full_at().await;
    assert!(!bucket.charge(quota).await.allowed);
    assert_eq!(bucket.full_at().await, full_at);
}

/// The server may be another one after a failover, and its clock may be set.
#[tokio::test]
async fn a_clock_that_was_set_back_costs_a_full_bucket_at_most() {
    let mut bucket = Bucket::new().await;
    let quota = Quota::new(3, 1, HOUR);
    bucket.charge(quota).await;
    let (name, in_a_year) = (bucket.name().await, bucket.now().await + 31_536_000_000_000);
    let () = bucket.redis.set(&name, in_a_year).await.unwrap();
    let refused = bucket.charge(quota).await;
    assert_eq!((refused.allowed, refused.retry_after, refused.full_after), (false, HOUR, 3 * HOUR));
}

#[tokio::test]
async fn a_key_that_holds_nonsense_is_a_full_bucket() {
    let mut bucket = Bucket::new().await;
    let quota = Quota::new(3, 1, HOUR);
    bucket.charge(quota).await;
    let name = bucket.name().await;
    let () = bucket.redis.set(&name, "nonsense").await.unwrap();
    assert_eq!(bucket.charge(quota).await.remaining, 2);
}

#[tokio::test]
async fn a_charge_is_one_round_trip() {
    let server = Server::start();
    let mut bucket = Bucket::on(&server).await;
    let quota = Quota::new(1000, 1, HOUR);
    bucket.charge(quota).await;
    let before = calls(&mut bucket.redis).await;
    for _ in 0..100 {
        bucket.charge(quota).await;
    }
    let after = calls(&mut bucket.redis).await;
    // What the script calls is counted as well; the other one is the question for the first count.
    assert_eq!((after.all - before.all, after.scripts - before.scripts), (100 * 4 + 1, 100));
}

struct Calls {
    all: u64,
    scripts: u64,
}

async fn calls(redis: &mut MultiplexedConnection) -> Calls {
    let told: String = redis::cmd("INFO").arg("commandstats").query_async(redis).await.unwrap();
    let of = |line: &str| line.split_once("calls=")?.1.split(',').next()?.parse::<u64>().ok();
    Calls {
        all: told.lines().filter_map(of).sum(),
        scripts: told.lines().filter(|line| line.starts_with("cmdstat_evalsha:")).filter_map(of).sum(),
    }
}

#[tokio::test]
async fn a_script_that_redis_has_forgotten_is_sent_again() {
    let server = Server::start();
    let mut bucket = Bucket::on(&server).await;
    let quota = Quota::new(10, 1, HOUR);
    assert_eq!(bucket.charge(quota).await.remaining, 9);
    let () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut bucket.redis).await.unwrap();
    assert_eq!(bucket.charge(quota).await.remaining, 8);
}

/// GCRA as one finds it in books: the theoretical arrival time, and how much earlier a charge may come.
#[derive(Debug)]
struct Model {
    capacity: u64,
    interval: u64,
    arrival: u64,
}

impl Model {
    fn charge(&mut self, now: u64) -> Verdict {
        let tolerance = self.interval * (self.capacity - 1);
        let arrival = self.arrival.max(now);
        let allowed = arrival - now <= tolerance;
        if allowed {
            self.arrival = arrival + self.interval;
        }
        let missing = self.arrival - now;
        let room = (tolerance + self.interval).saturating_sub(missing);
        Verdict {
            allowed,
            remaining: u32::try_from(room / self.interval).unwrap(),
            full_after: Duration::from_micros(missing),
            retry_after: Duration::from_micros(if allowed { 0 } else { arrival - now - tolerance }),
        }
    }
}

/// The clock of Redis cannot be stopped. But the key and the verdict together tell what it was, to the microsecond, and at that
/// time the model must say the same.
#[rstest]
#[case::one_at_a_time(1, 20_000)]
#[case::a_few(3, 15_001)]
#[case::many(20, 10_007)]
#[tokio::test]
async fn the_script_agrees_with_a_model(#[case] capacity: u32, #[case] interval: u64, #[values(1, 2, 3)] seed: u64) {
    let mut bucket = Bucket::new().await;
    let quota = Quota::new(capacity, 1, Duration::from_micros(interval));
    let mut model = Model { capacity: u64::from(capacity), interval, arrival: 0 };
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut compared, mut refused) = (0, 0);
    let since = Instant::now();
    while compared < 100 || refused < 10 {
        assert!(since.elapsed() < Duration::from_secs(30), "{compared} compared, {refused} refused");
        let before = bucket.now().await;
        let verdict = bucket.charge(quota).await;
        // A machine that stood still in between has let the bucket become full; then there is no telling, for this time.
        let Some(full_at) = bucket.full_at().await else { continue };
        let now = full_at - u64::try_from(verdict.full_after.as_micros()).unwrap();
        assert!((before..=bucket.now().await).contains(&now), "the script has another clock");
        assert_eq!(verdict, model.charge(now), "at {now}, {model:?}");
        compared += 1;
        refused += u32::from(!verdict.allowed);
        if random.u8(..4) == 0 {
            tokio::time::sleep(Duration::from_micros(random.u64(..2 * interval))).await;
        }
    }
}
