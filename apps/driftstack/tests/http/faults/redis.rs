use std::time::{Duration, Instant};

use driftstack_test_servers::Redis;
use rstest::rstest;

use crate::{
    deployment::{Deployment, Load, Person, Scrape},
    process::Process,
};

/// How often a process has said that Redis is away, and that it is back.
fn said(process: &Process) -> (usize, usize) {
    (process.log.of("Redis is away").len(), process.log.of("Redis is back").len())
}

async fn until_redis_is(up: f64, process: &Process) {
    let since = Instant::now();
    loop {
        let scrape = Scrape::of(process).await;
        if scrape.value("driftstack_limiter_redis_up", &[]) == Some(up) {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "redis_up does not become {up}: {scrape:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How many of 80 requests, which come as fast as possible, a process allows to an account that may do 60 at once, and one more
/// each second.
async fn allowed(person: &Person, process: &Process) -> u32 {
    let (begun, mut allowed) = (Instant::now(), 0);
    for _ in 0..80 {
        allowed += u32::from(person.get(process, "/v1/whoami").await.status == 200);
    }
    assert!(f64::from(allowed) <= 61.0 + begun.elapsed().as_secs_f64(), "{allowed} in {:?}", begun.elapsed());
    allowed
}

#[rstest]
#[case::killed(Redis::kill, Redis::start_again)]
#[case::hanging(|redis: &mut Redis| redis.hang(), |redis: &mut Redis| redis.go_on())]
#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_process_counts_alone_until_it_is_back(
    #[case] go_away: fn(&mut Redis),
    #[case] come_back: fn(&mut Redis),
) {
    let mut deployment = Deployment::start().await;
    let (one, two) = (deployment.serve(), deployment.serve());
    let [away, back] = ["away", "back"].map(|name| deployment.person_on(name, "free"));
    let busy = deployment.person("busy");
    let mut load = Load::default();
    for process in [&one, &two, &one, &two] {
        load.reads(&busy, process);
    }
    load.goes_well(50).await;

    go_away(&mut deployment.redis);
    for process in [&one, &two] {
        until_redis_is(0.0, process).await;
    }
    let before = [said(&one), said(&two)];
    load.goes_well(50).await;
    for process in [&one, &two] {
        assert!(allowed(&away, process).await >= 60, "it counts alone, and from a full bucket");
    }
    // Long enough for it to be tried again, which is no news.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!([said(&one), said(&two)], before);
    for (gone, returned) in before {
        assert_eq!(gone, returned + 1, "one line for each time that it went away");
    }

    come_back(&mut deployment.redis);
    for process in [&one, &two] {
        until_redis_is(1.0, process).await;
    }
    load.goes_well(50).await;
    let asked = load.stop().await;
    let odd = asked.iter().find(|asked| asked.status() != 200 || asked.took > Duration::from_secs(3));
    assert!(odd.is_none(), "{odd:?}");
    assert_shared_again(&back, [&one, &two]).await;
}

/// Unless the machine was so noisy that Redis was taken for away meanwhile.
async fn assert_shared_again(person: &Person, [one, two]: [&Process; 2]) {
    let (before, begun) = ([said(one), said(two)], Instant::now());
    let sum = allowed(person, one).await + allowed(person, two).await;
    let most = 61.0 + begun.elapsed().as_secs_f64();
    assert!(f64::from(sum) <= most || [said(one), said(two)] != before, "{sum} were allowed, and may be {most}");
}
