use std::{
    io::{BufRead, BufReader},
    process::{ChildStdin, Command, Stdio},
    sync::OnceLock,
};

use tokio_postgres::{Client, NoTls};

/// The server of the test run. It stops when the pipe to it is closed, however this process ends.
struct Server {
    url: String,
    /// A file with the certificate of its authority.
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

/// A new and empty database on the Postgres of the test run.
pub struct Database {
    pub url: String,
}

impl Database {
    pub async fn create() -> Self {
        let server = &server().url;
        let name = format!("t_{:016x}", fastrand::u64(..));
        client(server).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        Self { url: format!("{base}/{name}") }
    }

    /// A file with the certificate of the server's authority.
    pub fn authority() -> &'static str {
        &server().authority
    }

    pub async fn client(&self) -> Client {
        client(&self.url).await
    }
}

/// To look at a database, or to do something to it.
pub async fn client(url: &str) -> Client {
    try_client(url).await.unwrap()
}

pub(crate) async fn try_client(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
