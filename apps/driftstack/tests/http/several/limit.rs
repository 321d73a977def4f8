//! One limit for an account, however many processes it asks.

use std::time::{Duration, Instant};

use crate::{
    deployment::{Deployment, Person},
    process::Process,
};

/// What a free account may do at once; a second later it may do one more.
const AT_ONCE: f64 = 60.0;

/// On a noisy machine Redis may be taken for away for a while, and then each process counts alone, as it should.
fn stayed_with_redis(processes: [&Process; 2]) -> bool {
    processes.iter().all(|process| process.log.of("Redis is away").is_empty())
}

/// Asks both in turn, as fast as possible. Answers with how often each allowed it.
async fn ask_both(person: &Person, processes: [&Process; 2]) -> [u32; 2] {
    let (begun, mut allowed, mut refused) = (Instant::now(), [0; 2], [0; 2]);
    while begun.elapsed() < Duration::from_secs(3) {
        for (n, process) in processes.into_iter().enumerate() {
            match person.get(process, "/v1/whoami").await.status {
                200 => allowed[n] += 1,
                429 => refused[n] += 1,
                status => panic!("{status}"),
            }
            let (got, most) = (f64::from(allowed[0] + allowed[1]), AT_ONCE + begun.elapsed().as_secs_f64() + 1.0);
            assert!(got <= most || !stayed_with_redis(processes), "{allowed:?} were allowed, and may be {most}");
        }
    }
    assert!(refused[0] > 0 && refused[1] > 0, "{refused:?}: nobody was quick enough");
    allowed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_one_for_both() {
    let deployment = Deployment::start().await;
    for attempt in 0..3 {
        let person = deployment.person_on(&format!("free{attempt}"), "free");
        let (one, two) = (deployment.serve(), deployment.serve());
        let allowed = ask_both(&person, [&one, &two]).await;
        if stayed_with_redis([&one, &two]) {
            assert!(allowed[0] + allowed[1] >= 60, "{allowed:?}: it may do more");
            assert!(allowed[0] > 20 && allowed[1] > 20, "{allowed:?}: both have a share");
            return;
        }
    }
    panic!("Redis was taken for away three times");
}
