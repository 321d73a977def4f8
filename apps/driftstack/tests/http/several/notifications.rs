//! What is written through one process is told by the other.

use std::time::{Duration, Instant};

use driftstack_test_servers::{Postgres, client};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    deployment::{Deployment, Person, Scrape, until_readiness_is},
    process::Process,
    stream::Stream,
};

const PATH: &str = "/v1/account/me/notifications";

async fn follow(who: &Person, process: &Process) -> Stream {
    Stream::open(who.request(process, Method::GET, PATH)).await
}

async fn mint(who: &Person, process: &Process) -> Value {
    let body = json!({ "name": "test", "scopes": ["read"] });
    who.post(process, "/v1/api-keys", body).await.expect(201)["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_written_through_one_arrives_at_a_stream_of_the_other() {
    let deployment = Deployment::start().await;
    let (one, two) = (deployment.serve(), deployment.serve());
    let [olive, ada] = deployment.people(["olive", "ada"]);
    let (mut olives, mut adas) = (follow(&olive, &two).await, follow(&ada, &two).await);
    olives.opening().await;
    // The first stream of a process is what makes it listen; that takes a moment.
    mint(&olive, &one).await;
    olives.event().await;
    for _ in 0..5 {
        let key = mint(&olive, &one).await;
        let since = Instant::now();
        assert_eq!(olives.event().await.data()["target_resource_id"], key);
        assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    }
    mint(&ada, &one).await;
    assert_eq!(adas.event().await.data()["account_id"], ada.id);
    assert_eq!(Scrape::of(&two).await.value("driftstack_notification_streams", &[]), Some(2.0));
    assert_eq!(Scrape::of(&one).await.value("driftstack_notification_streams", &[]), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_outlives_a_postgres_that_stops_and_misses_nothing() {
    let mut postgres = Postgres::start().await;
    let deployment = Deployment::on(&postgres.url());
    let (one, two) = (deployment.serve(), deployment.serve());
    let olive = deployment.person("olive");
    let mut stream = follow(&olive, &two).await;
    let mut minted = vec![mint(&olive, &one).await];

    postgres.stop();
    until_readiness_is(503, &two).await;
    postgres.start_again().await;
    until_readiness_is(200, &one).await;
    let since = Instant::now();
    minted.push(mint(&olive, &one).await);
    let mut told = Vec::new();
    while told.len() < minted.len() {
        told.push(stream.event().await.data()["target_resource_id"].clone());
    }
    assert_eq!(told, minted);
    // Not the heartbeat, which looks too, but the bell.
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
}

const CUT_WHO_LISTENS: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
    WHERE datname = current_database() AND query LIKE 'LISTEN%'";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_nobody_listens_is_told_when_somebody_does_again() {
    let deployment = Deployment::start().await;
    let (one, two) = (deployment.serve(), deployment.serve());
    let olive = deployment.person("olive");
    let operator = client(&deployment.database_url).await;
    let mut stream = follow(&olive, &two).await;
    mint(&olive, &one).await;
    stream.event().await;
    for _ in 0..5 {
        let cut: i64 = operator.query_one(CUT_WHO_LISTENS, &[]).await.unwrap().get(0);
        assert_eq!(cut, 1, "one connection of the process with a stream listens");
        let key = mint(&olive, &one).await;
        let since = Instant::now();
        assert_eq!(stream.event().await.data()["target_resource_id"], key);
        assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
        mint(&olive, &one).await;
        stream.event().await;
    }
}
