//! Spans on their way to a collector.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpServer, web};
use reqwest::Method;

use crate::{
    fixture::{PASSWORD, send},
    process::{Binary, printed},
};

/// A collector that takes whatever comes and keeps it.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<u8>>>);

impl Collector {
    /// Answers with the base of its URL too.
    fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept = collector.clone();
        let app = move || App::new().app_data(web::Data::new(kept.clone())).route("/v1/traces", web::post().to(keep));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        (collector, url)
    }

    /// How often it was sent these bytes: in the protocol, texts and ids stand as they are.
    fn count(&self, bytes: &[u8]) -> usize {
        self.0.lock().unwrap().windows(bytes.len()).filter(|window| *window == bytes).count()
    }
}

async fn keep(collector: web::Data<Collector>, body: web::Bytes) -> &'static str {
    collector.0.lock().unwrap().extend_from_slice(&body);
    ""
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spans_of_a_request_belong_to_the_callers_trace_and_tell_no_secret() {
    let (folder, (collector, url)) = (tempfile::tempdir().unwrap(), Collector::start());
    printed(folder.path(), &["admin", "create-account", "--email", "olive@example.com"], PASSWORD);
    let key = printed(folder.path(), &["admin", "mint-key", "olive@example.com", "--scope", "account_owner"], "");
    let binary = Binary::on(folder.path()).with("DRIFTSTACK_OTLP_ENDPOINT", url);
    let service = binary.with("DRIFTSTACK_OTLP_SERVICE_NAME", "accounts").serve(&[]);
    let invite = reqwest::Client::new()
        .request(Method::POST, service.url("/v1/team/invites"))
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .bearer_auth(&key)
        .json(&serde_json::json!({ "email": "ada@example.com", "role": "member" }));
    send(invite).await.expect(202);
    // The worker writes the mail and logs its link.
    while service.log.of("mail written").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (_, well) = tokio::task::spawn_blocking(move || service.terminate()).await.unwrap();
    assert!(well);

    for name in ["http./v1/team/invites", "use.team.invites.send", "db.caller.", "db.invite.commit", "accounts"] {
        assert!(collector.count(name.as_bytes()) >= 1, "no {name}");
    }
    assert!(collector.count(&bytes(TRACE)) >= 4, "of another trace");
    assert_eq!(collector.count(&bytes(CALLER)), 1, "the request alone is the caller's child");
    assert_eq!(collector.count(b"db.mail.claim"), 0, "what no request has asked for");
    for secret in [key.as_str(), "ada@example.com", "olive@example.com", "token="] {
        assert_eq!(collector.count(secret.as_bytes()), 0, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let service = Binary::on(folder.path()).with("DRIFTSTACK_OTLP_ENDPOINT", "http://127.0.0.1:1").serve(&[]);
    for _ in 0..20 {
        send(reqwest::Client::new().get(service.url("/readyz"))).await.expect(200);
    }
    let (took, well) = tokio::task::spawn_blocking(move || service.terminate()).await.unwrap();
    assert!(well && took < std::time::Duration::from_secs(20), "{took:?}");
}
