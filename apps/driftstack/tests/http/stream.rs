//! A client of server-sent events.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

/// On a noisy machine.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Stream {
    response: Response,
    read: String,
}

/// What stands between two empty lines.
#[derive(Debug)]
pub struct Event {
    pub id: Option<String>,
    pub name: Option<String>,
    pub text: String,
}

impl Event {
    pub fn data(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Stream {
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.timeout(Duration::from_mins(5)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{:?}", response.text().await);
        Self { response, read: String::new() }
    }

    pub fn header(&self, name: &str) -> &str {
        self.response.headers()[name].to_str().unwrap()
    }

    /// The next block as it stands there; `None` at the end.
    pub async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.read.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.read = rest;
                return Some(block);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            // A connection that is cut is an end too.
            let chunk = chunk.expect("nothing comes").ok().flatten()?;
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The first block, which is no event.
    pub async fn opening(&mut self) -> Event {
        let event = event(&self.block().await.expect("the stream has ended"));
        assert!(event.text.is_empty(), "{event:?}");
        event
    }

    /// The next event, however many heartbeats come before.
    pub async fn event(&mut self) -> Event {
        loop {
            let event = event(&self.block().await.expect("the stream has ended"));
            if !event.text.is_empty() {
                return event;
            }
        }
    }

    /// Waits for the end. Answers whether no event came before it.
    pub async fn ends_without_an_event(&mut self) -> bool {
        while let Some(block) = self.block().await {
            if !event(&block).text.is_empty() {
                return false;
            }
        }
        true
    }
}

fn event(block: &str) -> Event {
    let field = |name: &str| {
        let mut values = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let value = values.next().map(str::to_owned);
        assert!(values.next().is_none(), "{name} twice in {block}");
        value
    };
    Event { id: field("id"), name: field("event"), text: field("data").unwrap_or_default() }
}
