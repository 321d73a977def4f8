//! Usage. The clock of a house stands at 2026-05-12T13:00:00Z.

use std::time::Duration;

use driftstack_domain::tier::Tier;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::House;

fn totals(session_minute: i64) -> Value {
    json!({
        "session_minute": session_minute, "navigate": 0, "interact": 0, "wait": 0, "state_capture": 0,
        "screenshot_capture": 0,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_counts_what_has_ended_and_what_runs() {
    let house = House::open().await;
    let olive = house.person_on("olive", Tier::AgencyManual).await;
    let ends = olive.post("/v1/sessions", json!({})).await.expect(201);
    house.pass(Duration::from_secs(90));
    olive.delete(&format!("/v1/sessions/{}", ends["id"].as_str().unwrap())).await.expect(204);
    olive.post("/v1/sessions", json!({})).await.expect(201);
    house.pass(Duration::from_mins(10));
    let none = json!({
        "session_minute": null, "navigate": null, "interact": null, "wait": null, "state_capture": null,
        "screenshot_capture": null,
    });
    assert_eq!(
        olive.get("/v1/usage").await.expect(200),
        json!({
            "period_start": "2026-05-01T00:00:00.000Z", "period_end": "2026-06-01T00:00:00.000Z",
            "tier": "agency_manual", "totals": totals(2 + 10), "quotas": none,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_has_every_day_in_utc() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let session = olive.post("/v1/sessions", json!({})).await.expect(201);
    house.pass(Duration::from_hours(12));
    olive.delete(&format!("/v1/sessions/{}", session["id"].as_str().unwrap())).await.expect(204);
    house.pass(Duration::from_hours(24));
    assert_eq!(
        olive.get("/v1/usage/series?days=4").await.expect(200),
        json!({
            "from_date": "2026-05-11", "to_date": "2026-05-14",
            "buckets": [
                { "date": "2026-05-11", "totals": totals(0) },
                { "date": "2026-05-12", "totals": totals(660) },
                { "date": "2026-05-13", "totals": totals(60) },
                { "date": "2026-05-14", "totals": totals(0) },
            ],
        })
    );
    for (query, days) in [("", 30), ("?days=1", 1), ("?days=90", 90)] {
        let series = olive.get(&format!("/v1/usage/series{query}")).await.expect(200);
        assert_eq!(series["buckets"].as_array().unwrap().len(), days);
    }
    for query in ["days=0", "days=91", "days=-1", "days=a", "days=", "days=1&days=2", "day=1"] {
        olive.get(&format!("/v1/usage/series?{query}")).await.refused(400, "validation-failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_reads_that_of_the_owner() {
    let house = House::open().await;
    let olive = house.person_on("olive", Tier::ApiScale).await;
    let ada = house.person("ada").await;
    house.join(&olive, &ada, "member").await;
    olive.post("/v1/sessions", json!({})).await.expect(201);
    house.pass(Duration::from_mins(5));
    let period = ada.on(&olive.id, Method::GET, "/v1/usage", None).await.expect(200);
    assert_eq!((&period["tier"], &period["totals"]["session_minute"]), (&json!("api_scale"), &json!(5)));
    let series = ada.on(&olive.id, Method::GET, "/v1/usage/series?days=1", None).await.expect(200);
    assert_eq!(series["buckets"][0]["totals"], totals(5));
    assert_eq!(ada.get("/v1/usage").await.expect(200)["totals"], totals(0));
}
