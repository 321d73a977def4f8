//! A deployment of several processes: one Postgres, one Redis, one keys file, one mail folder.

mod load;
mod outbox;
mod person;
mod scrape;

pub use load::{Asked, Load};
pub use outbox::OutboxRows;
pub use person::Person;
pub use scrape::Scrape;

use std::time::{Duration, Instant};

use driftstack_test_servers::{Database, Redis};
use tempfile::TempDir;

use crate::{
    fixture::{PASSWORD, send},
    mail_folder::MailFolder,
    process::{Binary, Process},
};

/// Processes are started on it one by one. Each ends when it is dropped, and the rest with the deployment.
pub struct Deployment {
    pub binary: Binary,
    pub redis: Redis,
    pub database_url: String,
    pub mails: MailFolder,
    _folder: TempDir,
}

impl Deployment {
    /// On a database of its own, with the tables in it.
    pub async fn start() -> Self {
        Self::on(&Database::create().await.url)
    }

    pub fn on(database_url: &str) -> Self {
        let deployment = Self::without_tables(database_url);
        deployment.binary.printed(&["migrate"], "");
        deployment
    }

    pub fn without_tables(database_url: &str) -> Self {
        let (folder, redis) = (tempfile::tempdir().unwrap(), Redis::start());
        let binary = Binary::on(folder.path())
            .with("DRIFTSTACK_DATABASE_URL", database_url)
            .with("DRIFTSTACK_RATE_LIMIT_URL", redis.url())
            .with("DRIFTSTACK_METRICS_LISTEN", "127.0.0.1:0");
        let mails = MailFolder(folder.path().join("mail"));
        Self { binary, redis, database_url: database_url.to_owned(), mails, _folder: folder }
    }

    pub fn serve(&self) -> Process {
        self.binary.serve(&["serve"])
    }

    /// With a mail server on this port instead of the folder.
    pub fn mailing_to(&self, port: u16) -> Binary {
        self.binary.clone().with("DRIFTSTACK_MAIL_URL", format!("smtp://127.0.0.1:{port}"))
    }

    /// Somebody with a verified account and a key that may do everything.
    pub fn person(&self, name: &str) -> Person {
        self.person_on(name, "enterprise")
    }

    pub fn person_on(&self, name: &str, tier: &str) -> Person {
        let email = format!("{name}@example.com");
        let create = ["admin", "create-account", "--email", &email, "--name", name, "--tier", tier];
        let id = self.binary.printed(&create, PASSWORD);
        let token = self.binary.printed(&["admin", "mint-key", &email, "--scope", "account_owner"], "");
        Person::new(id, email, token)
    }

    pub fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        names.map(|name| self.person(name))
    }
}

/// Waits until `/readyz` answers so.
pub async fn until_readiness_is(status: u16, process: &Process) {
    let since = Instant::now();
    loop {
        let seen = send(reqwest::Client::new().get(process.url("/readyz"))).await.status;
        if seen == status {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "/readyz answers {seen} and not {status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
