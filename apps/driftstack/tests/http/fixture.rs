//! A house with people in it. Test actors have verbs: `olive.post("/v1/team/invites", body).await`.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use driftstack::{
    config::{BlobRoute, Database, MailRoute, RateLimits, Settings},
    doors::Doors,
    serve,
    wire::{self, Parts, Services},
    worker::Workers,
};
use driftstack_domain::{
    auth::Password,
    testing::people,
    tier::{Plan, Tier},
    time::{Clock, Timestamp},
    webhook::Reach,
};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::mail_folder::MailFolder;

pub const PASSWORD: &str = "correct horse battery staple";

/// A clock that stands still until it is told to go on.
pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// A running service in a folder of its own.
pub struct House {
    pub services: Arc<Services>,
    clock: Arc<TestClock>,
    base: String,
    client: reqwest::Client,
    mail_folder: MailFolder,
    callers: AtomicU32,
    server: actix_web::dev::ServerHandle,
    _workers: Workers,
    _folder: TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        // The returned future only waits; the command itself is on its way.
        drop(self.server.stop(false));
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {self:?}")).to_str().unwrap()
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The refusal, which must have this status and class, and every member that a problem has.
    #[track_caller]
    pub fn refused(self, status: u16, slug: &str) -> Value {
        let problem = self.json();
        let class = format!("https://errors.driftstack.dev/{slug}");
        assert_eq!((self.status, &problem["type"]), (status, &json!(class)), "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["instance"], self.header("x-request-id"));
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        problem
    }
}

/// The fields of an object, sorted.
pub fn fields(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

impl House {
    pub async fn open() -> Self {
        Self::open_with(|_| ()).await
    }

    /// With other parts.
    pub async fn open_with(change: impl FnOnce(&mut Parts)) -> Self {
        Self::open_as(Reach::Anywhere, change).await
    }

    /// Webhooks may go so far.
    pub async fn open_reaching(reach: Reach) -> Self {
        Self::open_as(reach, |_| ()).await
    }

    async fn open_as(webhook_reach: Reach, change: impl FnOnce(&mut Parts)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { webhook_reach, ..settings(&folder) };
        let store = wire::open_store(&settings.database, true).await.unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(people::NOW.millis())));
        let mut parts = Parts { clock: clock.clone(), ..wire::parts(&settings, settings.listen).await.unwrap() };
        change(&mut parts);
        let services = Arc::new(store.services(parts, &settings));
        let doors = Arc::new(Doors::shut());
        doors.open();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = serve::server(&services, &doors, &settings.cors_origins, listener, 1).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            _workers: Workers::start(&services),
            services,
            clock,
            base,
            client: reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap(),
            mail_folder: MailFolder(settings.data_dir.join("mail")),
            callers: AtomicU32::new(1),
            server: handle,
            _folder: folder,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn pass(&self, duration: Duration) {
        self.clock.0.store(self.now().plus(duration).millis(), Ordering::Relaxed);
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// For requests that choose their client address.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// A request from a client address that nobody has used before.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let caller = self.callers.fetch_add(1, Ordering::Relaxed);
        let address = format!("198.51.{}.{}", caller / 250, caller % 250);
        self.client.request(method, self.url(path)).header("x-forwarded-for", address)
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// Somebody with a verified account and a web session.
    pub async fn person(&self, name: &str) -> Person<'_> {
        self.person_on(name, Tier::Enterprise).await
    }

    pub async fn person_on(&self, name: &str, tier: Tier) -> Person<'_> {
        let email = format!("{name}@example.com");
        let password = Password::try_from(PASSWORD.to_owned()).unwrap();
        let create =
            self.services.sign_ups.create(people::email(&email), &password, Some(people::name(name)), tier, false);
        let id = create.await.unwrap().to_string();
        let answer = self.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await.expect(200);
        Person { house: self, id, email, token: answer["session"]["token"].as_str().unwrap().to_owned() }
    }

    /// Puts the organisation of somebody on another plan.
    pub async fn plan(&self, owner: &Person<'_>, plan: Plan) {
        self.services.operator.set_plan(&people::email(&owner.email), plan).await.unwrap();
    }

    /// The token of the newest mail to an address, when it has arrived.
    pub async fn mailed_token(&self, to: &str) -> String {
        self.mail_folder.token(to).await
    }

    /// The mails to an address, oldest first, as soon as there are so many.
    pub async fn mails(&self, to: &str, at_least: usize) -> Vec<String> {
        self.mail_folder.wait_for(to, at_least).await
    }

    pub fn mails_now(&self, to: &str) -> Vec<String> {
        self.mail_folder.to(to)
    }

    /// Has `owner` invite `invitee`, who accepts. Answers with the membership.
    pub async fn join(&self, owner: &Person<'_>, invitee: &Person<'_>, role: &str) -> Value {
        let before = self.mails_now(&invitee.email).len();
        owner.post("/v1/team/invites", json!({ "email": invitee.email, "role": role })).await.expect(202);
        self.mails(&invitee.email, before + 1).await;
        let token = self.mailed_token(&invitee.email).await;
        invitee.post("/v1/team/invites/accept", json!({ "token": token })).await.expect(200)["membership"].clone()
    }
}

fn settings(folder: &TempDir) -> Settings {
    let data_dir = folder.path().to_owned();
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        metrics_listen: None,
        database: Database::File(data_dir.join("driftstack.db")),
        migrate: true,
        mail: MailRoute::Folder(data_dir.join("mail")),
        rate_limits: RateLimits::Memory,
        blobs: BlobRoute::Folder(data_dir.join("blobs")),
        api_url: None,
        mail_from: "driftstack <no-reply@example.com>".parse().unwrap(),
        keys_file: data_dir.join("keys.json"),
        public_url: Some("https://app.example.com".parse().unwrap()),
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        cors_origins: vec!["https://app.example.com".to_owned()],
        problem_type_base: "https://errors.driftstack.dev/".to_owned(),
        drain_grace: Duration::ZERO,
        heartbeat: Duration::from_millis(500),
        webhook_reach: Reach::Anywhere,
        otlp_endpoint: None,
        otlp_service_name: "driftstack".to_owned(),
        log: "off".to_owned(),
        data_dir,
    }
}

pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

/// The status alone; the body is not waited for.
pub async fn send_head(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// Somebody with a credential.
#[derive(Clone)]
pub struct Person<'h> {
    pub house: &'h House,
    pub id: String,
    pub email: String,
    /// A session's token or an API key.
    pub token: String,
}

impl<'h> Person<'h> {
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.house.request(method, path).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// The same, on somebody else's workspace.
    pub async fn on(&self, workspace: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, path).header("x-driftstack-account", workspace);
        send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Mints a key on one's own account.
    pub async fn key(&self, scopes: &[&str]) -> Person<'h> {
        let minted = self.post("/v1/api-keys", json!({ "name": "test", "scopes": scopes })).await.expect(201);
        self.with_token(&minted["plaintext"])
    }

    /// Mints a key on somebody else's account.
    pub async fn key_on(&self, workspace: &str, scopes: &[&str]) -> Person<'h> {
        let body = json!({ "name": "test", "scopes": scopes });
        let minted = self.on(workspace, Method::POST, "/v1/api-keys", Some(body)).await.expect(201);
        self.with_token(&minted["plaintext"])
    }

    pub fn with_token(&self, token: &Value) -> Person<'h> {
        Person { token: token.as_str().unwrap().to_owned(), ..self.clone() }
    }

    /// The actions on one's log, newest first.
    pub async fn log(&self) -> Vec<String> {
        let page = self.get("/v1/account/audit-log?limit=100").await.expect(200);
        page["data"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
    }
}
