//! Databases on a Postgres of the test run's own.

use std::{
    io::{BufRead, BufReader},
    process::{ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use driftstack_store::{PostgresOptions, PostgresStore};
use tokio_postgres::{Client, NoTls};

/// The server that this process has started. It stops when the pipe to it is closed, however this process ends.
struct Server {
    url: String,
    /// A file with the certificate of its authority.
    #[allow(dead_code, reason = "not every test that includes this file speaks TLS")]
    authority: String,
    _alive: Option<ChildStdin>,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "the test run says where its server is")]
        match (std::env::var("DRIFTSTACK_TEST_POSTGRES_URL"), std::env::var("DRIFTSTACK_TEST_POSTGRES_CA")) {
            (Ok(url), Ok(authority)) => Server { url, authority, _alive: None },
            _ => start(),
        }
    })
}

#[expect(clippy::zombie_processes, reason = "it ends after this process, which therefore cannot wait for it")]
fn start() -> Server {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/with-postgres");
    let mut child = Command::new(script)
        .args(["sh", "-c", "echo $DRIFTSTACK_TEST_POSTGRES_URL; echo $DRIFTSTACK_TEST_POSTGRES_CA; cat >/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let (Some(url), Some(authority)) = (lines.next(), lines.next()) else {
        panic!("no Postgres; run `bash .ci/tools`")
    };
    Server { url, authority, _alive: child.stdin.take() }
}

/// A database of its own.
pub(crate) struct Database {
    pub(crate) url: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("t_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let server = &server().url;
        client(server).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        Self { url: format!("{base}/{name}") }
    }

    /// A file with the certificate of the server's authority.
    #[allow(dead_code, reason = "not every test that includes this file speaks TLS")]
    pub(crate) fn authority() -> &'static str {
        &server().authority
    }

    pub(crate) async fn client(&self) -> Client {
        client(&self.url).await
    }

    pub(crate) fn store(&self) -> PostgresStore {
        PostgresStore::open(&self.options()).unwrap()
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        PostgresOptions::new(self.url.as_str().into())
    }
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
