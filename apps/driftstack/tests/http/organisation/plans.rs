//! What the plan of an organisation permits, and how often it may be asked.

use driftstack_domain::tier::Plan;
use serde_json::json;

use super::{KEYS, ME, ORG, go, key};
use crate::fixture::House;

const LADDER: [(Plan, i32, bool, bool, &str); 5] = [
    (Plan::Free, 10, false, false, "10"),
    (Plan::Standard, 1000, false, true, "60"),
    (Plan::Professional, 5000, true, true, "300"),
    (Plan::Api, -1, true, true, "1000"),
    (Plan::Enterprise, -1, true, true, "6000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_plan_permits_what_the_ladder_says() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    for (plan, results, professional, webhooks, requests) in LADDER {
        house.plan(&olive, plan).await;
        let answer = olive.get(ME).await;
        assert_eq!(
            (answer.header("x-ratelimit-bucket"), answer.header("x-ratelimit-limit")),
            ("organisation", requests)
        );
        let used: u32 = answer.header("x-ratelimit-used").parse().unwrap();
        let remaining: u32 = answer.header("x-ratelimit-remaining").parse().unwrap();
        assert_eq!((used, (used + remaining).to_string().as_str()), (1, requests));
        let me = answer.data(200);
        let mut permissions = json!({
            "search_max_results": results, "sage_visible": professional, "virtual_patch": professional, "api_keys": professional,
        });
        assert_eq!((&me["tier"], &me["permissions"]), (&json!(plan), &permissions));
        permissions["webhook_delivery"] = json!(webhooks);
        let org = olive.get(ORG).await.data(200);
        assert_eq!((&org["tier"], &org["permissions"]), (&json!(plan), &permissions));
        let keys = [olive.get(KEYS).await, olive.post(KEYS, json!({ "name": "ci" })).await];
        let minted =
            keys[1].json()["data"]["id"].as_str().unwrap_or("key_0192f0c1-2345-7000-8000-00000000dead").to_owned();
        let gone = olive.delete(&format!("{KEYS}/{minted}")).await;
        for answer in keys.into_iter().chain([gone]) {
            if professional {
                assert!(answer.status < 300, "{plan}: {}", answer.text);
                continue;
            }
            let error = answer.error(402, "TIER_GATE");
            assert_eq!(
                error["detail"],
                json!({
                    "feature": "api_keys",
                    "required_tier": "professional",
                    "upgrade_url": "https://app.example.com/settings/plan?upgrade=professional",
                })
            );
            assert_eq!(
                (&error["message"], &error["retryable"]),
                (&json!("API keys need the plan `professional`"), &json!(false))
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_set_the_plan_and_the_next_call_sees_it() {
    let house = House::open().await;
    let (sam, olive) = (house.person("sam").await, house.person("olive").await);
    house.services.operator.set_staff(&driftstack_domain::testing::people::email(&sam.email), true).await.unwrap();
    olive.get(KEYS).await.error(402, "TIER_GATE");
    sam.post(&format!("/v1/admin/accounts/{}/plan", olive.id), json!({ "plan": "professional" })).await.expect(200);
    olive.get(KEYS).await.data(200);
    assert_eq!(olive.log().await[0], "subscription.plan_changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_has_one_bucket_and_the_other_dialect_another() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "member").await;
    go(&ada, &olive).await;
    // Two have been asked for to get there: the number of the organisation, and the way from Ada's own.
    let mut answers = Vec::new();
    for turn in 0..12 {
        answers.push(if turn % 2 == 0 { olive.get(ME).await } else { ada.get(ME).await });
    }
    let let_in = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((9..=10).contains(&let_in), "{let_in}");
    let refused = answers.pop().unwrap();
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    let error = refused.error(429, "RATE_LIMITED");
    assert_eq!((&error["retry_after_seconds"], &error["retryable"]), (&json!(seconds), &json!(true)));
    assert_eq!(error["action"], "retry_later");
    assert!((1..=6).contains(&seconds), "{seconds}");
    for _ in 0..20 {
        olive.get("/v1/whoami").await.expect(200);
    }
    ada.get(ME).await.error(429, "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lower_plan_has_not_does_not_stop_the_keys_that_are_there() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    house.plan(&olive, Plan::Professional).await;
    let ci = key(&olive).await;
    house.plan(&olive, Plan::Standard).await;
    assert_eq!(ci.get(ME).await.data(200)["tier"], "standard");
    ci.get(KEYS).await.error(402, "TIER_GATE");
}
