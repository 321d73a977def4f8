use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::Person;
use crate::{fixture::Answer, process::Process};

/// Between two requests of one caller: enough of them come together, and the machine is left to others too.
const PAUSE: Duration = Duration::from_millis(15);

/// Callers who go on asking, whatever comes back, until they are told to stop.
#[derive(Default)]
pub struct Load {
    stopped: Arc<AtomicBool>,
    succeeded: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<Vec<Asked>>>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl Load {
    /// One more caller, who mints keys.
    pub fn writes(&mut self, person: &Person, process: &Process) {
        let body = json!({ "name": "load", "scopes": ["read"] });
        self.asks(person, person.request(process, Method::POST, "/v1/api-keys").json(&body));
    }

    /// One more caller, who only looks.
    pub fn reads(&mut self, person: &Person, process: &Process) {
        self.asks(person, person.request(process, Method::GET, "/v1/whoami"));
    }

    fn asks(&mut self, person: &Person, request: RequestBuilder) {
        let (stopped, succeeded, person) = (self.stopped.clone(), self.succeeded.clone(), person.clone());
        self.callers.push(tokio::spawn(async move {
            let mut all = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let asked = Asked::one(&person, request.try_clone().unwrap()).await;
                succeeded.fetch_add(usize::from(asked.succeeded()), Ordering::Relaxed);
                all.push(asked);
                tokio::time::sleep(PAUSE).await;
            }
            all
        }));
    }

    /// Waits until so many more requests have succeeded.
    pub async fn goes_well(&self, more: usize) {
        let (since, wanted) = (Instant::now(), self.succeeded.load(Ordering::Relaxed) + more);
        while self.succeeded.load(Ordering::Relaxed) < wanted {
            assert!(since.elapsed() < Duration::from_secs(30), "the load comes to nothing");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn stop(mut self) -> Vec<Asked> {
        self.stopped.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for caller in std::mem::take(&mut self.callers) {
            all.extend(caller.await.unwrap());
        }
        all
    }
}

/// One request, and what became of it.
#[derive(Debug)]
pub struct Asked {
    by: String,
    pub took: Duration,
    /// `None` when the connection broke.
    pub answer: Option<Answer>,
}

impl Asked {
    async fn one(person: &Person, request: RequestBuilder) -> Self {
        let begun = Instant::now();
        let answer = try_send(request).await.ok();
        Self { by: person.id.clone(), took: begun.elapsed(), answer }
    }

    /// The status; 0 when the connection broke.
    pub fn status(&self) -> u16 {
        self.answer.as_ref().map_or(0, |answer| answer.status)
    }

    fn succeeded(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// A key that was acknowledged.
    fn minted(&self) -> Option<Value> {
        self.answer.as_ref().filter(|answer| answer.status == 201).map(|answer| answer.json()["plaintext"].clone())
    }

    /// Asserts that what was acknowledged is there: every key works, and has its entry in a log that is whole. Answers with
    /// the number of those keys.
    pub async fn assert_all_kept(asked: &[Self], people: &[Person], process: &Process) -> usize {
        let mut kept = 0;
        for person in people {
            let minted = asked.iter().filter(|asked| asked.by == person.id).filter_map(Self::minted);
            let keys: Vec<_> = minted.map(|key| person.with_token(&key)).collect();
            kept += keys.len();
            let entries = person.proven_log(process).await.iter().filter(|it| *it == "api_key.minted").count();
            assert!(entries > keys.len(), "{entries} entries for {} keys and the first one", keys.len());
            let works = async |key: Person| key.get(process, "/v1/whoami").await.expect(200);
            stream::iter(keys).map(works).buffer_unordered(8).collect::<Vec<_>>().await;
        }
        kept
    }
}

async fn try_send(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, text: response.text().await? })
}
