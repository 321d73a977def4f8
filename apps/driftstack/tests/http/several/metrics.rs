//! `/metrics` of a process.

use reqwest::Method;

use crate::{
    deployment::{Deployment, Person, Scrape},
    process::Process,
};

const REQUESTS: &str = "driftstack_http_requests_total";

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_tell_requests_times_connections_and_mails() {
    let deployment = Deployment::start().await;
    let (service, olive) = (deployment.serve(), deployment.person("olive"));
    for _ in 0..5 {
        olive.get(&service, "/v1/whoami").await.expect(200);
    }
    olive.with_token(&"ds_live_nobody".into()).get(&service, "/v1/whoami").await.refused(401, "invalid-key");
    olive.invite(&service, "ada@example.com", "member").await;
    deployment.mails.wait_for("ada@example.com", 1).await;

    let scrape = Scrape::of(&service).await;
    let whoami = |status| [("route", "/v1/whoami"), ("method", "GET"), ("status", status)];
    assert_eq!(scrape.value(REQUESTS, &whoami("200")), Some(5.0), "{scrape:?}");
    assert_eq!(scrape.value(REQUESTS, &whoami("401")), Some(1.0), "{scrape:?}");
    let times = |end: &str, more: &[_]| {
        let labels = [&[("route", "/v1/whoami"), ("method", "GET")], more].concat();
        scrape.value(&format!("driftstack_http_request_seconds_{end}"), &labels)
    };
    assert_eq!((times("count", &[]), times("bucket", &[("le", "+Inf")])), (Some(6.0), Some(6.0)), "{scrape:?}");
    assert!(times("sum", &[]).unwrap() > 0.0);
    for state in ["waiting", "dead"] {
        assert!(scrape.value("driftstack_outbox_mails", &[("state", state)]).is_some(), "{scrape:?}");
    }
    let [open, idle] =
        ["open", "idle"].map(|state| scrape.value("driftstack_database_connections", &[("state", state)]));
    assert!(open.unwrap() >= 1.0 && idle.unwrap() <= open.unwrap(), "{scrape:?}");
    assert_eq!(scrape.value("driftstack_limiter_redis_up", &[]), Some(1.0), "{scrape:?}");
}

async fn ask(somebody: &Person, service: &Process, method: &str, path: &str) {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let answer = crate::fixture::send(somebody.request(service, method, path)).await;
    assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_callers_make_up_makes_no_series() {
    let deployment = Deployment::start().await;
    let (service, olive) = (deployment.serve(), deployment.person("olive"));
    let nobody = olive.with_token(&"rubbish".into());
    let make_up = async |n: u32| {
        ask(&nobody, &service, "GET", &format!("/made/up/{n}")).await;
        ask(&nobody, &service, &format!("BREW{n}"), &format!("/made/up/{n}")).await;
        ask(&nobody, &service, &format!("BREW{n}"), "/v1/whoami").await;
        ask(&nobody, &service, "DELETE", &format!("/v1/api-keys/key_{n}")).await;
        ask(&olive, &service, "GET", &format!("/v1/whoami/../../made/up?{n}")).await;
    };
    make_up(0).await;
    let before = Scrape::of(&service).await;
    for n in 1..30 {
        make_up(n).await;
    }
    let after = Scrape::of(&service).await;
    assert_eq!(before.series(), after.series());
    assert!(!after.series().iter().any(|series| series.contains("BREW") || series.contains("made")), "{after:?}");
    let revoked = [("route", "/v1/api-keys/{id}"), ("method", "DELETE"), ("status", "401")];
    assert_eq!(after.value(REQUESTS, &revoked), Some(30.0), "{after:?}");
    let brewed = [("route", "/v1/whoami"), ("method", "other"), ("status", "405")];
    assert_eq!(after.value(REQUESTS, &brewed), Some(30.0), "{after:?}");
}
