//! Killed, cut off, started cold.

use std::{
    io::Write,
    net::TcpStream,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use driftstack_domain::audit::export::{self, Export};
use serde_json::{Value, json};

use crate::{
    fixture::{House, PASSWORD, send},
    process::{Process, printed},
};

fn owner_key(data: &Path) -> String {
    printed(data, &["admin", "create-account", "--email", "olive@example.com", "--tier", "enterprise"], PASSWORD);
    printed(data, &["admin", "mint-key", "olive@example.com", "--scope", "account_owner"], "")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill_under_writes() {
    let folder = tempfile::tempdir().unwrap();
    let key = owner_key(folder.path());
    let service = Process::start(folder.path());
    let acknowledged = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let count = std::sync::Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (url, key) = (service.url("/v1/api-keys"), key.clone());
            let (acknowledged, count) = (acknowledged.clone(), count.clone());
            tokio::spawn(async move {
                for n in 0..1000 {
                    let body = json!({ "name": format!("key {writer}.{n}"), "scopes": ["read"] });
                    let answer = reqwest::Client::new().post(&url).bearer_auth(&key).json(&body).send().await;
                    let Ok(answer) = answer else { return };
                    if answer.status() != 201 {
                        continue;
                    }
                    let Ok(minted) = answer.json::<Value>().await else { return };
                    acknowledged.lock().unwrap().push(minted["plaintext"].as_str().unwrap().to_owned());
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    while count.load(Ordering::Relaxed) < 60 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    service.kill();
    for writer in writers {
        writer.await.unwrap();
    }

    let service = Process::start(folder.path());
    let client = reqwest::Client::new();
    let acknowledged = acknowledged.lock().unwrap().clone();
    for minted in &acknowledged {
        send(client.get(service.url("/v1/whoami")).bearer_auth(minted)).await.expect(200);
    }
    let export = send(client.get(service.url("/v1/account/audit-log/export")).bearer_auth(&key)).await.expect(200);
    let minted = export["data"].as_array().unwrap().iter().filter(|entry| entry["action"] == "api_key.minted").count();
    assert!(minted > acknowledged.len(), "{minted} entries for {} keys and Olive's own", acknowledged.len());
    export::verify(serde_json::from_value::<Export>(export).unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_reset_in_the_middle_of_a_write_leaves_it_whole_or_undone() {
    let house = House::open().await;
    let olive = house.person("olive").await;
    let address = house.url("").trim_start_matches("http://").to_owned();
    for n in 0..60 {
        let body = json!({ "name": format!("key {n}"), "scopes": ["read"] }).to_string();
        let mut stream = TcpStream::connect(&address).unwrap();
        let request = format!(
            "POST /v1/api-keys HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            olive.token,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_micros(n * 50));
        reset(stream);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let keys = olive.get("/v1/api-keys?limit=100").await.expect(200)["data"].as_array().unwrap().len();
    let entries = olive.log().await.iter().filter(|action| *action == "api_key.minted").count();
    assert_eq!(keys, entries, "every key has its entry, and every entry its key");
    olive.key(&["read"]).await.get("/v1/whoami").await.expect(200);
    let export = olive.get("/v1/account/audit-log/export").await.expect(200);
    export::verify(serde_json::from_value::<Export>(export).unwrap()).unwrap();
}

/// Closing with unread bytes in the receive buffer, or with bytes still to come, makes the kernel send a reset.
fn reset(stream: TcpStream) {
    let socket = socket2::Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
}

async fn ready(service: &Process) -> bool {
    reqwest::get(service.url("/readyz")).await.is_ok_and(|answer| answer.status() == 200)
}

/// An unoptimised build, beside a test run, has the bars of an optimised one at rest: there is room. What is counted is memory of
/// the process's own; the pages of its file, which are many in an unoptimised build, are the kernel's to drop.
#[tokio::test(flavor = "multi_thread")]
async fn a_cold_start_is_quick_and_small() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let service = Process::start(folder.path());
    assert!(ready(&service).await);
    let cold = begun.elapsed();
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap().trim();
    let kib: u64 = resident.trim_end_matches("kB").trim().parse().unwrap();
    println!("cold start {cold:?}, own memory {} MiB", kib / 1024);
    assert!(cold < Duration::from_millis(300), "{cold:?}");
    assert!(kib < 16 * 1024, "{kib} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_it_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path());
    assert!(ready(&service).await);
    let url = service.url("/readyz");
    let watcher = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Ok(answer) = reqwest::get(&url).await {
            seen.push(answer.status().as_u16());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        seen
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (took, well) = tokio::task::spawn_blocking(move || service.terminate()).await.unwrap();
    assert!(well && took < Duration::from_secs(10), "{took:?}");
    let mut seen = watcher.await.unwrap();
    seen.dedup();
    assert_eq!(seen, [200, 503], "red before the listener closes");
}
