//! Nothing that opens a door is written down in a way that lets somebody read it: not in the database, not beside it, and not in
//! the log at its most talkative. The mails alone hold the links that they are about, as does the line that says where a mail is.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use driftstack_domain::{
    mfa::TotpSecret,
    time::{Clock as _, Timestamp},
};
use driftstack_test_servers::{Database, client};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fixture::{Answer, send},
    mail_folder::MailFolder,
    process::{Binary, Process},
};

const FIRST: &str = "correct horse battery staple";
const SECOND: &str = "another horse, another battery";
const MISTYPED: &str = "corect hrose batery stapel";

/// Somebody who uses everything, and writes down every secret that they are told or tell.
struct Everything<'p> {
    service: &'p Process,
    mails: MailFolder,
    token: String,
    secrets: BTreeMap<&'static str, Vec<String>>,
    callers: AtomicU32,
}

const EMAIL: &str = "olive@example.com";
const STAFF: &str = "sam@example.com";
const GUEST: &str = "ada@example.com";
/// A challenge is good where it was made.
const HERE: &str = "198.51.100.7";

impl Everything<'_> {
    async fn ask(&self, from: &str, method: Method, path: &str, body: Value) -> Answer {
        let request = reqwest::Client::new().request(method, self.service.url(path));
        send(request.header("x-forwarded-for", from).bearer_auth(&self.token).json(&body)).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        // Nobody is to run into a limit.
        let caller = format!("203.0.113.{}", self.callers.fetch_add(1, Ordering::Relaxed));
        let answer = self.ask(&caller, Method::POST, path, body).await;
        assert!(answer.status < 300, "{path}: {answer:?}");
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    fn keep(&mut self, what: &'static str, secret: &Value) -> String {
        let secret = secret.as_str().unwrap_or_else(|| panic!("{what}: {secret}")).to_owned();
        self.secrets.entry(what).or_default().push(secret.clone());
        secret
    }

    async fn mailed(&mut self, to: &str, nth: usize) -> String {
        self.mails.wait_for(to, nth).await;
        let token = self.mails.token(to).await;
        self.keep("link", &json!(token))
    }

    async fn sign_up_and_in(&mut self) {
        self.post("/v1/auth/signup", json!({ "email": EMAIL, "password": FIRST })).await;
        self.mailed(EMAIL, 1).await;
        self.post("/v1/auth/resend-verification", json!({ "email": EMAIL })).await;
        let token = self.mailed(EMAIL, 2).await;
        let signed_in = self.post("/v1/auth/verify-email", json!({ "token": token })).await;
        self.keep("session", &signed_in["session"]["token"]);
        let signed_in = self.post("/v1/auth/login", json!({ "email": EMAIL, "password": FIRST })).await;
        let old = self.keep("session", &signed_in["session"]["token"]);
        let refreshed = self.post("/v1/auth/refresh", json!({ "token": old })).await;
        self.token = self.keep("session", &refreshed["session"]["token"]);
        self.post("/v1/auth/step-up", json!({ "password": FIRST })).await;
        let wrong = json!({ "email": EMAIL, "password": MISTYPED });
        self.ask(HERE, Method::POST, "/v1/auth/login", wrong).await.refused(401, "invalid-credentials");
        // The welcome came third.
        self.post("/v1/auth/magic-link/request", json!({ "email": EMAIL })).await;
        let token = self.mailed(EMAIL, 4).await;
        let signed_in = self.post("/v1/auth/magic-link/consume", json!({ "token": token })).await;
        self.keep("session", &signed_in["session"]["token"]);
    }

    async fn use_a_second_factor(&mut self) {
        let enrollment = self.post("/v1/account/mfa/enroll", json!({})).await;
        let secret = self.keep("totp", &enrollment["secret"]);
        let phone = TotpSecret::from_base32(&secret).unwrap();
        let now = || driftstack::system::SystemClock.now();
        let verified = self.post("/v1/account/mfa/verify", json!({ "code": phone.code_at(now()) })).await;
        for code in verified["recovery_codes"].as_array().unwrap() {
            self.keep("recovery code", code);
        }
        let body = json!({ "email": EMAIL, "password": FIRST });
        let challenge = self.ask(HERE, Method::POST, "/v1/auth/login", body).await.expect(200);
        let token = self.keep("challenge", &challenge["challenge_token"]);
        let body = json!({ "challenge_token": token, "recovery_code": self.secrets["recovery code"][0] });
        let signed_in = self.ask(HERE, Method::POST, "/v1/auth/mfa/challenge", body).await.expect(200);
        self.token = self.keep("session", &signed_in["session"]["token"]);
        // The code of this half-minute was used; that of the next is taken already.
        let next: Timestamp = now().plus(Duration::from_secs(30));
        self.post("/v1/auth/mfa/step-up", json!({ "code": phone.code_at(next) })).await;
        let fresh = self.post("/v1/account/mfa/recovery-codes/regenerate", json!({})).await;
        for code in fresh["recovery_codes"].as_array().unwrap() {
            self.keep("recovery code", code);
        }
    }

    async fn use_keys_and_invites(&mut self) {
        let minted = self.post("/v1/api-keys", json!({ "name": "ci", "scopes": ["account_owner"] })).await;
        let session = std::mem::take(&mut self.token);
        self.token = self.keep("key", &minted["plaintext"]);
        let path = format!("/v1/api-keys/{}", minted["id"].as_str().unwrap());
        let rotated = self.post(&format!("{path}/rotate"), json!({})).await;
        self.token = self.keep("key", &rotated["plaintext"]);
        self.ask(HERE, Method::GET, "/v1/account/me", json!({})).await.expect(200);
        self.ask(HERE, Method::DELETE, &path, json!({})).await.expect(204);
        self.token = session;
        self.post("/v1/team/invites", json!({ "email": GUEST, "role": "admin" })).await;
        self.mailed(GUEST, 1).await;
        self.post("/v1/auth/signup", json!({ "email": GUEST, "password": SECOND })).await;
        self.mailed(GUEST, 2).await;
    }

    /// What staff write stands on the log alone, so whoever finds it has found the log.
    async fn be_written_about(&mut self) {
        let staff = self.post("/v1/auth/login", json!({ "email": STAFF, "password": FIRST })).await;
        let staffs = self.keep("session", &staff["session"]["token"]);
        let session = std::mem::replace(&mut self.token, staffs);
        let accounts = self.ask(HERE, Method::GET, "/v1/admin/accounts?email=olive", json!({})).await.expect(200);
        let path = format!("/v1/admin/accounts/{}/support-notes", accounts["data"][0]["id"].as_str().unwrap());
        let note = self.post(&path, json!({ "note": "moves to Reykjavik in spring" })).await;
        self.keep("note", &note["note"]);
        self.token = session;
        let log = self.ask(HERE, Method::GET, "/v1/account/audit-log?limit=5", json!({})).await.expect(200);
        assert_eq!(log["data"][0]["payload"]["note"], note["note"], "its reader sees it");
    }

    /// To nobody: what is sent fails, and says so in the log.
    async fn use_webhooks(&mut self) {
        let order = json!({ "url": "http://127.0.0.1:1/hooks", "events": ["api_key.revoked"] });
        let made = self.post("/v1/webhooks", order).await;
        self.keep("signing secret", &made["secret"]);
        let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
        for _ in 0..2 {
            let rotated = self.post(&format!("{path}/rotate-secret"), json!({})).await;
            self.keep("signing secret", &rotated["secret"]);
        }
        self.post(&format!("{path}/test"), json!({})).await;
        for _ in 0..500 {
            let all = self.ask(HERE, Method::GET, &format!("{path}/deliveries"), json!({})).await.expect(200);
            if all["data"][0]["status"] == "failed" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nothing was tried");
    }

    async fn reset_the_password(&mut self) {
        let before = self.mails.to(EMAIL).len();
        self.post("/v1/auth/password-reset/request", json!({ "email": EMAIL })).await;
        let token = self.mailed(EMAIL, before + 1).await;
        let body = json!({ "token": token, "new_password": SECOND });
        let challenge = self.post("/v1/auth/password-reset/confirm", body).await;
        self.keep("challenge", &challenge["challenge_token"]);
    }

    /// What there is to look for.
    async fn done(mut self) -> Vec<Secret> {
        self.sign_up_and_in().await;
        self.use_a_second_factor().await;
        self.use_keys_and_invites().await;
        self.be_written_about().await;
        self.use_webhooks().await;
        self.reset_the_password().await;
        for password in [FIRST, SECOND, MISTYPED] {
            self.keep("password", &json!(password));
        }
        let count = |what: &str| self.secrets[what].len();
        let counts =
            ["session", "link", "recovery code", "key", "totp", "challenge", "password", "note", "signing secret"];
        assert_eq!(counts.map(count), [6, 6, 20, 2, 1, 2, 3, 1, 3], "it was all used");
        self.secrets.into_iter().flat_map(|(what, all)| all.into_iter().map(move |it| Secret::new(what, &it))).collect()
    }
}

/// A secret, as it is and in the other ways in which it might be written.
struct Secret {
    what: &'static str,
    forms: Vec<Vec<u8>>,
}

impl Secret {
    fn new(what: &'static str, text: &str) -> Self {
        let mut raw = vec![text.as_bytes().to_vec(), text.replace('-', "").into_bytes()];
        if what == "totp" {
            raw.extend(data_encoding::BASE32_NOPAD.decode(text.as_bytes()));
        }
        if what == "signing secret" {
            let encoded = text.strip_prefix("whsec_").unwrap().as_bytes();
            raw.push(encoded.to_vec());
            raw.extend(data_encoding::BASE64.decode(encoded));
        }
        if what == "link" || what == "challenge" {
            raw.extend(data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()));
        }
        let hex = raw.iter().map(|bytes| data_encoding::HEXLOWER.encode(bytes).into_bytes());
        let base64 = raw.iter().map(|bytes| data_encoding::BASE64_NOPAD.encode(bytes).into_bytes());
        let listed = raw.iter().map(|bytes| format!("{bytes:?}").trim_matches(['[', ']']).to_owned().into_bytes());
        let forms = hex.chain(base64).chain(listed).collect::<Vec<_>>();
        Self { what, forms: [raw, forms].concat() }
    }

    fn is_in(&self, text: &[u8]) -> bool {
        self.forms.iter().any(|form| contains(text, form))
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

#[track_caller]
fn assert_clean(place: &str, text: &[u8], secrets: &[Secret]) {
    let found: Vec<_> = secrets.iter().filter(|secret| secret.is_in(text)).map(|secret| secret.what).collect();
    assert!(found.is_empty(), "{place} holds {found:?}");
}

/// Every file below a folder but the mails.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_none_or(|extension| extension != "eml") {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

/// Uses everything on a service that says all it can, and looks at its log and at what lies beside its mails.
async fn use_everything(binary: &Binary, data: &Path) -> Vec<Secret> {
    let binary = binary
        .clone()
        .with("DRIFTSTACK_LOG", "trace,actix_http=trace")
        .with("DRIFTSTACK_TRUSTED_PROXIES", "127.0.0.0/8");
    let binary = binary.with("DRIFTSTACK_WEBHOOK_ALLOW_PRIVATE", "1");
    binary.printed(&["admin", "create-account", "--email", STAFF, "--staff"], FIRST);
    let service = binary.serve(&[]);
    let mails = MailFolder(data.join("mail"));
    let (token, secrets, callers) = ("none".to_owned(), BTreeMap::new(), AtomicU32::new(1));
    let secrets = Everything { service: &service, mails, token, secrets, callers }.done().await;
    for (path, bytes) in files(data) {
        assert_clean(&path, &bytes, &secrets);
    }
    let log = service.log.clone();
    let (_, well) = tokio::task::spawn_blocking(move || service.terminate()).await.unwrap();
    assert!(well);
    let (mailed, rest): (Vec<_>, Vec<_>) =
        log.lines().into_iter().partition(|line| line["message"].as_str() == Some("mail written"));
    let text = |lines: &[Value]| lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n").into_bytes();
    assert!(rest.len() > 100, "it says little: {}", rest.len());
    assert_clean("the log", &text(&rest), &secrets);
    let links = secrets.iter().filter(|secret| secret.what == "link");
    assert!(links.into_iter().all(|link| link.is_in(&text(&mailed))), "who looks for a link finds it where it is");
    secrets
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_and_what_lies_beside_it_hold_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = use_everything(&Binary::on(folder.path()), folder.path()).await;
    let files = files(folder.path());
    for (path, bytes) in &files {
        assert_clean(path, bytes, &secrets);
    }
    let (_, database) = files.iter().find(|(path, _)| path.ends_with("driftstack.db")).unwrap();
    assert!(contains(database, EMAIL.as_bytes()), "it is the right file");
}

const TABLES: &str = "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'";

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_postgres_holds_no_secret() {
    let (folder, url) = (tempfile::tempdir().unwrap(), Database::create().await.url);
    let binary = Binary::on(folder.path()).with("DRIFTSTACK_DATABASE_URL", &url).with("DRIFTSTACK_MIGRATE", "1");
    let secrets = use_everything(&binary, folder.path()).await;
    let operator = client(&url).await;
    let mut dump = String::new();
    for table in operator.query(TABLES, &[]).await.unwrap() {
        let table: String = table.get(0);
        for row in operator.query(&format!("SELECT t::text FROM {table} t"), &[]).await.unwrap() {
            dump.push_str(row.get(0));
            dump.push('\n');
        }
    }
    assert!(dump.contains(EMAIL) && dump.lines().count() > 30, "it is the right database");
    assert_clean("the dump", dump.as_bytes(), &secrets);
}
