use std::time::{Duration, Instant};

use driftstack_domain::notify::MAX_STREAMS;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fixture::{House, Person},
    process::Process,
    stream::Stream,
};

const PATH: &str = "/v1/account/me/notifications";

async fn follow(who: &Person<'_>) -> Stream {
    Stream::open(who.request(Method::GET, PATH)).await
}

async fn resume(who: &Person<'_>, id: &str) -> Stream {
    Stream::open(who.request(Method::GET, PATH).header("last-event-id", id)).await
}

/// The newest entries of one's log, newest first.
async fn entries(who: &Person<'_>) -> Vec<Value> {
    who.get("/v1/account/audit-log").await.expect(200)["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_severe_entry_arrives_within_a_second_as_it_stands_on_the_log() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let mut stream = follow(&olive).await;
    for (name, value) in
        [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
    {
        assert_eq!(stream.header(name), value);
    }
    let opening = stream.opening().await;
    assert_eq!(
        opening.id.as_deref(),
        entries(&olive).await[0]["id"].as_str(),
        "where to resume is known from the start"
    );
    olive.patch("/v1/account/me", json!({ "name": "Olive" })).await.expect(200);
    let key = olive.key(&["read"]).await;
    let since = Instant::now();
    let event = stream.event().await;
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    let entry = entries(&olive).await[0].clone();
    assert_eq!((event.name.as_deref(), event.id.as_deref()), (Some("audit"), entry["id"].as_str()));
    assert_eq!(event.data(), entry, "and the change of the name is no event");
    assert_eq!(entry["action"], "api_key.minted");
    assert!(key.token.starts_with("ds_live_") && !event.text.contains(&key.token));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_on_which_nothing_happens_shows_that_it_lives() {
    let house = House::open().await;
    let mut stream = follow(&house.person("olive").await).await;
    stream.opening().await;
    let since = Instant::now();
    for _ in 0..3 {
        assert_eq!(stream.block().await.as_deref(), Some(": heartbeat"));
    }
    assert!((Duration::from_millis(1300)..Duration::from_secs(5)).contains(&since.elapsed()), "{:?}", since.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_of_the_account_of_another() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let request = bo.request(Method::GET, PATH).header("x-driftstack-account", &olive.id);
    let mut stream = Stream::open(request).await;
    olive.key(&["read"]).await;
    let key = bo.key(&["read"]).await;
    assert_eq!(stream.event().await.data()["account_id"], bo.id, "the header is ignored");
    key.get("/v1/whoami").await.expect(200);
    let foreign = entries(&olive).await[0]["id"].as_str().unwrap().to_owned();
    for unknown in [foreign.as_str(), "0192f0c1-2345-7000-8000-00000000dead", "olive"] {
        let request = bo.request(Method::GET, PATH).header("last-event-id", unknown);
        let problem = crate::fixture::send(request).await.refused(400, "validation-failed");
        assert_eq!(problem["issues"][0]["path"], "Last-Event-ID");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_a_members_hands_hears_nothing() {
    let house = House::open().await;
    let (olive, ada) = (house.person("olive").await, house.person("ada").await);
    house.join(&olive, &ada, "admin").await;
    ada.key_on(&olive.id, &["read", "write"]).await.get(PATH).await.refused(403, "forbidden");
    olive.key(&["read:audit"]).await.get(PATH).await.refused(403, "forbidden");
    follow(&olive.key(&["read"]).await).await.opening().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_told_to_whoever_resumes_and_nothing_twice() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let mut stream = follow(&olive).await;
    let begun = stream.opening().await.id.unwrap();
    drop(stream);
    for _ in 0..3 {
        olive.key(&["read"]).await;
        olive.patch("/v1/account/me", json!({ "name": "Olive" })).await.expect(200);
    }
    let minted: Vec<Value> = entries(&olive).await.into_iter().filter(|it| it["action"] == "api_key.minted").collect();
    let mut stream = resume(&olive, &begun).await;
    assert_eq!(stream.opening().await.id.as_deref(), Some(begun.as_str()));
    for entry in minted.iter().rev() {
        assert_eq!(stream.event().await.data(), *entry);
    }
    olive.key(&["write"]).await;
    assert_eq!(stream.event().await.data()["payload"]["scopes"], json!(["write"]));
    let mut late = resume(&olive, minted[0]["id"].as_str().unwrap()).await;
    assert_eq!(late.event().await.data()["payload"]["scopes"], json!(["write"]), "only what came after");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_between_what_was_missed_and_what_is_new() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let begun = entries(&olive).await[0]["id"].as_str().unwrap().to_owned();
    let write = async {
        for _ in 0..20 {
            olive.key(&["read"]).await;
        }
    };
    let read = async {
        let mut numbers = Vec::new();
        while numbers.len() < 20 {
            // A stream that ends after two events, and is resumed there.
            let last = numbers.last().map_or(begun.clone(), |(_, id): &(i64, String)| id.clone());
            let mut stream = resume(&olive, &last).await;
            for _ in 0..2 {
                let event = stream.event().await;
                numbers.push((event.data()["seq"].as_i64().unwrap(), event.id.unwrap()));
            }
        }
        numbers.into_iter().map(|(seq, _)| seq).collect::<Vec<_>>()
    };
    let ((), numbers) = tokio::join!(write, read);
    assert_eq!(numbers, (numbers[0]..numbers[0] + 20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_is_refused_until_one_has_left() {
    let house = House::open().await;
    let (olive, bo) = (house.person("olive").await, house.person("bo").await);
    let mut open = Vec::new();
    for _ in 0..MAX_STREAMS {
        open.push(follow(&olive).await);
    }
    let problem = olive.get(PATH).await.refused(429, "concurrency-limit");
    assert_eq!((&problem["current"], &problem["limit"]), (&json!(10), &json!(10)));
    follow(&bo).await.opening().await;

    drop(open.pop());
    let since = Instant::now();
    while crate::fixture::send_head(olive.request(Method::GET, PATH)).await != 200 {
        assert!(since.elapsed() < Duration::from_secs(5), "the seat is not free again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_credential() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let minted = olive.post("/v1/api-keys", json!({ "name": "ci", "scopes": ["read"] })).await.expect(201);
    let mut by_key = follow(&olive.with_token(&minted["plaintext"])).await;
    let mut by_session = follow(&olive).await;
    by_key.opening().await;
    olive.delete(&format!("/v1/api-keys/{}", minted["id"].as_str().unwrap())).await.expect(204);
    assert_eq!(by_session.event().await.data()["action"], "api_key.revoked");
    assert!(by_key.ends_without_an_event().await);

    house.post("/v1/auth/logout", json!({ "token": olive.token })).await.expect(200);
    assert!(by_session.ends_without_an_event().await, "at a heartbeat: signing out is no event");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_asked_to_stop_ends_its_streams() {
    let folder = tempfile::tempdir().unwrap();
    let create = ["admin", "create-account", "--email", "olive@example.com"];
    crate::process::printed(folder.path(), &create, crate::fixture::PASSWORD);
    let mint = ["admin", "mint-key", "olive@example.com", "--scope", "read"];
    let key = crate::process::printed(folder.path(), &mint, "");
    let service = Process::start(folder.path());
    let mut stream = Stream::open(reqwest::Client::new().get(service.url(PATH)).bearer_auth(&key)).await;
    stream.opening().await;
    let (took, well) = tokio::task::spawn_blocking(move || service.terminate()).await.unwrap();
    assert!(well && took < Duration::from_secs(10), "{took:?}");
    assert!(stream.ends_without_an_event().await);
}
