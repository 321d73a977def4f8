//! Somebody who is told what happens: a server on this machine that writes down what arrives.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::StatusCode,
    web::{self, Bytes, Data},
};
use serde_json::Value;

/// A delivery as it arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Arrived {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {self:?}"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn event(&self) -> String {
        self.header("x-driftstack-event-id").to_owned()
    }
}

#[derive(Default)]
struct Desk {
    arrived: Vec<Arrived>,
    /// What it answers next; afterwards 204.
    answers: VecDeque<u16>,
    pause: Duration,
    /// Deliveries to one path that are being answered now, and the most that ever were.
    at_once: HashMap<String, (usize, usize)>,
}

pub struct Receiver {
    pub base: String,
    desk: Arc<Mutex<Desk>>,
    server: actix_web::dev::ServerHandle,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn receive(request: HttpRequest, body: Bytes, desk: Data<Mutex<Desk>>) -> HttpResponse {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let (path, body) = (request.path().to_owned(), String::from_utf8(body.to_vec()).unwrap());
    let (answer, pause) = {
        let mut desk = desk.lock().unwrap();
        let (now, most) = desk.at_once.entry(path.clone()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        desk.arrived.push(Arrived { path: path.clone(), headers, body });
        (desk.answers.pop_front().unwrap_or(204), desk.pause)
    };
    tokio::time::sleep(pause).await;
    desk.lock().unwrap().at_once.entry(path).and_modify(|(now, _)| *now -= 1);
    let mut response = HttpResponse::build(StatusCode::from_u16(answer).unwrap());
    if answer == 204 { response.finish() } else { response.body(format!("this is {answer}\x1b[31m")) }
}

impl Receiver {
    pub fn start() -> Self {
        let desk: Arc<Mutex<Desk>> = Arc::default();
        let data = Data::from(desk.clone());
        let app = move || App::new().app_data(data.clone()).default_service(web::to(receive));
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { base, desk, server: handle }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Answers so, one after the other, before it says 204.
    pub fn will_answer(&self, answers: impl IntoIterator<Item = u16>) {
        self.desk.lock().unwrap().answers.extend(answers);
    }

    /// Takes its time for each.
    pub fn takes(&self, pause: Duration) {
        self.desk.lock().unwrap().pause = pause;
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.desk.lock().unwrap().arrived.clone()
    }

    pub fn count(&self) -> usize {
        self.desk.lock().unwrap().arrived.len()
    }

    /// The most deliveries to one path that were ever answered at once.
    pub fn most_at_once(&self) -> usize {
        self.desk.lock().unwrap().at_once.values().map(|(_, most)| *most).max().unwrap_or_default()
    }

    /// What has arrived, as soon as there is so much.
    pub async fn until(&self, at_least: usize) -> Vec<Arrived> {
        let since = Instant::now();
        while self.count() < at_least {
            assert!(since.elapsed() < Duration::from_mins(2), "{} of {at_least} deliveries", self.count());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.arrived()
    }
}
