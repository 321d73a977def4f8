use std::time::{Duration, Instant};

use driftstack_domain::tier::Tier;
use serde_json::json;

use crate::fixture::{House, send};

#[tokio::test(flavor = "multi_thread")]
async fn every_authenticated_answer_tells_what_is_left() {
    let house = House::open().await;
    let olive = house.person_on("olive", Tier::Free).await;
    let begun = Instant::now();
    let first = olive.get("/v1/whoami").await;
    assert_eq!(first.header("x-ratelimit-bucket"), "global");
    for family in ["x-ratelimit", "ratelimit"] {
        assert_eq!(first.header(&format!("{family}-limit")), "60");
        assert_eq!(first.header(&format!("{family}-remaining")), "59");
    }
    assert_eq!(first.header("ratelimit-reset"), "1");
    assert_eq!(first.header("x-ratelimit-reset"), (house.now().unix_seconds() + 1).to_string());
    let refused = olive.patch("/v1/account/me", json!({ "name": "" })).await;
    // A token comes back every second, so on a machine that is busy enough there may be one more.
    let left = if begun.elapsed() < Duration::from_secs(1) { vec!["58"] } else { vec!["58", "59"] };
    assert!(left.contains(&refused.header("ratelimit-remaining")), "a bad request is charged too");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_bucket_says_when_to_come_back() {
    let house = House::open().await;
    let olive = house.person_on("olive", Tier::Free).await;
    let mut refused = None;
    for _ in 0..80 {
        let answer = olive.get("/v1/whoami").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("60 at once is the limit");
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert_eq!(seconds, 1);
    assert_eq!(refused.refused(429, "rate-limited")["retry_after_seconds"], json!(seconds));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_asks_for_three_mails_a_minute() {
    let house = House::open().await;
    let ask = async |address: &str| {
        let request =
            reqwest::Client::new().post(house.url("/v1/auth/resend-verification")).header("x-forwarded-for", address);
        send(request.json(&json!({ "email": "ada@example.com" }))).await
    };
    for _ in 0..3 {
        ask("203.0.113.1").await.expect(200);
    }
    assert!(ask("203.0.113.1").await.refused(429, "rate-limited")["retry_after_seconds"].as_u64().unwrap() <= 20);
    ask("203.0.113.2").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_network_asks_for_three_mails_a_minute_whatever_address_it_takes() {
    let house = House::open().await;
    let ask = async |address: String| {
        let request =
            reqwest::Client::new().post(house.url("/v1/auth/resend-verification")).header("x-forwarded-for", address);
        send(request.json(&json!({ "email": "ada@example.com" }))).await
    };
    for n in 1..=3 {
        ask(format!("2001:db8:1:2::{n}")).await.expect(200);
    }
    ask("2001:db8:1:2:3:4:5:6".to_owned()).await.refused(429, "rate-limited");
    ask("2001:db8:1:3::1".to_owned()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_tries_ten_passwords_a_minute_on_an_account() {
    let house = House::open().await;
    let try_in = async |email: &str| {
        let request = reqwest::Client::new().post(house.url("/v1/auth/login")).header("x-forwarded-for", "203.0.113.1");
        send(request.json(&json!({ "email": email, "password": "wrong" }))).await.status
    };
    for _ in 0..10 {
        assert_eq!(try_in("ada@example.com").await, 401);
    }
    assert_eq!(try_in("ADA@example.com").await, 429);
    assert_eq!(try_in("bo@example.com").await, 401);
}
