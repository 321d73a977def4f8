use std::time::{Duration, Instant};

use driftstack_test_servers::{Postgres, client};

use crate::{
    deployment::{Asked, Deployment, Load, Person, until_readiness_is},
    fixture::send,
    process::Process,
};

/// For a connection, and some more on a noisy machine.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// Each has a caller who writes and one who reads.
fn load(people: &[Person], process: &Process) -> Load {
    let mut load = Load::default();
    for person in people {
        load.writes(person, process);
        load.reads(person, process);
    }
    load
}

/// Asserts that each was answered in time, well or with a 503 that says when to come back. Answers with the number of those.
fn assert_well_or_unavailable(asked: &[Asked]) -> usize {
    let mut unavailable = 0;
    for asked in asked {
        assert!(asked.took < ANSWERED_WITHIN, "{asked:?}");
        let answer = asked.answer.clone().unwrap_or_else(|| panic!("{asked:?}"));
        if !matches!(answer.status, 200 | 201) {
            answer.clone().refused(503, "unavailable");
            assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
            unavailable += 1;
        }
    }
    unavailable
}

/// While Postgres is away; the process itself is well all the time.
pub async fn assert_red_for(time: Duration, process: &Process) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        send(reqwest::Client::new().get(process.url("/readyz"))).await.refused(503, "unavailable");
        send(reqwest::Client::new().get(process.url("/healthz"))).await.expect(200);
        assert!(begun.elapsed() < time + ANSWERED_WITHIN);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_stops_is_waited_for_and_nothing_acknowledged_is_lost() {
    let mut postgres = Postgres::start().await;
    let deployment = Deployment::on(&postgres.url());
    let (service, people) = (deployment.serve(), deployment.people(["ada", "bo", "cleo"]));
    let load = load(&people, &service);
    load.goes_well(100).await;

    postgres.stop();
    until_readiness_is(503, &service).await;
    assert_red_for(Duration::from_secs(20), &service).await;
    postgres.start_again().await;
    until_readiness_is(200, &service).await;
    load.goes_well(100).await;

    let asked = load.stop().await;
    assert!(assert_well_or_unavailable(&asked) > 50, "it was not away");
    let kept = Asked::assert_all_kept(&asked, &people, &service).await;
    assert!(kept >= 20, "only {kept} writes were acknowledged");
    people[0].invite(&service, "dev@example.com", "member").await;
    deployment.mails.wait_for("dev@example.com", 1).await;
}

const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_are_replaced_and_nothing_worse_than_a_503_is_told() {
    let deployment = Deployment::start().await;
    let (service, people) = (deployment.serve(), deployment.people(["ada", "bo", "cleo"]));
    let operator = client(&deployment.database_url).await;
    let load = load(&people, &service);
    for _ in 0..12 {
        load.goes_well(40).await;
        let cut: i64 = operator.query_one(CUT, &[]).await.unwrap().get(0);
        assert!(cut > 0, "there was nothing to cut");
    }
    load.goes_well(40).await;

    let asked = load.stop().await;
    assert_well_or_unavailable(&asked);
    let kept = Asked::assert_all_kept(&asked, &people, &service).await;
    assert!(kept >= 20, "only {kept} writes were acknowledged");
}
