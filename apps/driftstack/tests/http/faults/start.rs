//! Postgres is away when a process starts.

use std::time::{Duration, Instant};

use driftstack_test_servers::{Database, Postgres};

use super::postgres::assert_red_for;
use crate::deployment::{Deployment, until_readiness_is};

const AWAY: &str = "the database is away";

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_starts_before_its_postgres_is_red_until_that_is_there() {
    let mut postgres = Postgres::start().await;
    let deployment = Deployment::on(&postgres.url());
    let olive = deployment.person("olive");
    postgres.stop();
    let (service, worker) = (deployment.serve(), deployment.binary.work());
    for process in [&service, &worker] {
        let [line] = process.log.of(AWAY).try_into().unwrap();
        assert!(line["level"] == "ERROR" && line["problem"].as_str().unwrap().contains("Connection refused"), "{line}");
    }
    let asked = Instant::now();
    let refused = olive.get(&service, "/v1/whoami").await;
    assert!(refused.header("retry-after") == "1" && asked.elapsed() < Duration::from_secs(1), "{refused:?}");
    refused.refused(503, "unavailable");
    let elsewhere = olive.get(&service, "/api/v1/account/me").await;
    let error = &elsewhere.json()["error"];
    assert_eq!((elsewhere.status, &error["code"], &error["retryable"]), (503, &"UNAVAILABLE".into(), &true.into()));
    assert!(elsewhere.header("x-request-id").starts_with("bs-req-"), "each dialect in its own words");
    assert_red_for(Duration::from_secs(3), &service).await;
    assert_eq!(service.log.of(AWAY).len(), 1, "it is said once");
    assert!(service.log.of("the store").is_empty(), "nobody asks a database whose tables were not looked at");

    postgres.start_again().await;
    until_readiness_is(200, &service).await;
    olive.invite(&service, "ada@example.com", "member").await;
    deployment.mails.wait_for("ada@example.com", 1).await;
    while worker.log.of("the database is there").is_empty() {
        assert!(asked.elapsed() < Duration::from_mins(1), "the worker goes on waiting");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_waits_is_stopped_like_any_other() {
    let deployment = Deployment::without_tables("postgres://nobody@127.0.0.1:1/nothing");
    for process in [deployment.serve(), deployment.binary.work()] {
        let (took, well) = tokio::task::spawn_blocking(move || process.terminate()).await.unwrap();
        assert!(well && took < Duration::from_secs(10), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_is_wrong_is_in_the_log_at_once() {
    let url = Database::create().await.url.replace("/t_", "/no_");
    let service = Deployment::without_tables(&url).serve();
    let line = service.log.of(AWAY).pop().unwrap();
    assert!(line["problem"].as_str().unwrap().contains("does not exist"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_comes_without_tables_ends_the_wait() {
    let mut postgres = Postgres::start().await;
    postgres.stop();
    let deployment = Deployment::without_tables(&postgres.url());
    let (service, worker) = (deployment.serve(), deployment.binary.work());
    postgres.start_again().await;
    for process in [service, worker] {
        let (well, said) = tokio::task::spawn_blocking(move || process.ends()).await.unwrap();
        assert!(!well && said.contains("run `driftstack migrate`"), "{said}");
    }
}
