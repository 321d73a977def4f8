//! The URL holds a password.

use std::{error::Error, time::Duration};

use driftstack_domain::limit::{Limiter, Quota};
use driftstack_limiter::{OpenError, RedisLimiter, RemoteLimiter, WithFallback};
use rstest::rstest;

use crate::{KEY, seen::Seen, server::Server};

const QUOTA: Quota = Quota::new(3, 1, Duration::from_hours(1));

/// As text of any kind, with everything it was caused by.
fn told(error: &dyn Error) -> String {
    let source = error.source().map(told).unwrap_or_default();
    format!("{error} {error:?} {source}")
}

#[rstest]
#[case::nothing("")]
#[case::no_scheme("hunter2")]
#[case::another_scheme("https://:hunter2@localhost")]
#[case::no_host("redis://")]
#[case::no_port("redis://:hunter2@localhost:hunter2")]
#[case::no_database("redis://:hunter2@localhost/hunter2")]
#[case::no_protocol("redis://:x@localhost?protocol=hunter2")]
#[tokio::test]
async fn a_malformed_url_is_refused_and_not_repeated(#[case] url: &str) {
    let refused = RedisLimiter::open(url).unwrap_err();
    assert_eq!(refused, OpenError::Url);
    assert!(!told(&refused).contains("hunter2"), "{refused}");
}

#[test]
fn a_limiter_needs_a_runtime() {
    assert_eq!(RedisLimiter::open("redis://localhost").unwrap_err(), OpenError::NoRuntime);
}

#[tokio::test]
async fn a_limiter_does_not_show_its_url() {
    let limiter = RedisLimiter::open("redis://olive:hunter2@localhost").unwrap();
    assert_eq!(format!("{limiter:?}"), "RedisLimiter");
    assert_eq!(format!("{:?}", WithFallback::new(limiter)), "WithFallback");
}

#[test]
fn a_right_password_opens() {
    Seen::by(async |_| {
        let server = Server::start_with(&[["--requirepass", "swordfish"]]);
        let url = server.url().replace("redis://", "redis://:swordfish@");
        let limiter = RedisLimiter::open(&url).unwrap().answer_within(Duration::from_secs(30));
        assert_eq!(limiter.try_charge(KEY, QUOTA).await.unwrap().remaining, 2);
    });
}

#[test]
fn a_wrong_password_is_not_told() {
    Seen::by(async |seen| {
        let server = Server::start_with(&[["--requirepass", "swordfish"]]);
        assert_nothing_told(seen, &server.url().replace("redis://", "redis://olive:hunter2@")).await;
    });
}

#[test]
fn the_password_of_a_redis_that_is_away_is_not_told() {
    Seen::by(async |seen| {
        assert_nothing_told(seen, &format!("redis://olive:hunter2@127.0.0.1:{}", driftstack_test_servers::free_port()))
            .await;
        assert_nothing_told(seen, "redis://olive:hunter2@redis.invalid").await;
    });
}

async fn assert_nothing_told(seen: &Seen, url: &str) {
    let limiter = RedisLimiter::open(url).unwrap().answer_within(Duration::from_secs(30));
    let error = limiter.try_charge(KEY, QUOTA).await.unwrap_err();
    assert!(!told(&error).contains("hunter2"), "{error}");
    assert!(WithFallback::new(limiter).charge(KEY, QUOTA).await.allowed);
    assert!(seen.log().contains("Redis is away") && !seen.log().contains("hunter2"), "{}", seen.log());
}
