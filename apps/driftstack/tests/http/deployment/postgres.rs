//! Databases on the Postgres of the test run, and a Postgres of one's own that may be stopped.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::port::free_port;

/// The server of the test run. It stops when the pipe to it is closed, however this process ends.
struct Shared {
    url: String,
    _alive: Option<ChildStdin>,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "the test run says where its server is")]
        match std::env::var("DRIFTSTACK_TEST_POSTGRES_URL") {
            Ok(url) => Shared { url, _alive: None },
            Err(_) => start_shared(),
        }
    })
}

#[expect(clippy::zombie_processes, reason = "it ends when this process does")]
fn start_shared() -> Shared {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/with-postgres");
    let mut child = Command::new(script)
        .args(["sh", "-c", "echo $DRIFTSTACK_TEST_POSTGRES_URL; cat >/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(!url.is_empty(), "no Postgres; run `bash .ci/tools`");
    Shared { url: url.trim().to_owned(), _alive: child.stdin.take() }
}

/// The URL of a new database.
pub async fn database() -> String {
    let server = &shared().url;
    let name = format!("app_{:016x}", fastrand::u64(..));
    client(server).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

/// To look at a database, or to do something to it.
pub async fn client(url: &str) -> Client {
    try_client(url).await.unwrap()
}

async fn try_client(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Like that of Redis. The server refuses to run as root, and is stopped the hard way: it has no time to write anything.
const KEEPER: &str = r#"
bin=$(dirname "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -n 1)")
[ -x "$bin/initdb" ] || { echo "Postgres is not installed" >log; exit 1; }
as=
if [ "$(id -u)" -eq 0 ]; then
    who=$(id -un postgres 2>/dev/null || echo nobody)
    chown "$who" .
    as="setpriv --reuid=$who --regid=$(id -g "$who") --clear-groups"
fi
[ -d data ] || $as "$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync </dev/null >log 2>&1 || exit 1
$as "$bin/postgres" -D data -k '' -h 127.0.0.1 -p "$1" -c fsync=off -c full_page_writes=off -c max_connections=100 \
    </dev/null >log 2>&1 &
told=$(cat)
kill -QUIT $!
wait
[ "$told" ] || rm -rf "$PWD"
"#;

/// On a noisy machine; in practice it takes a second or two.
const STARTED_WITHIN: Duration = Duration::from_mins(1);

/// A server of one's own.
pub struct Postgres {
    port: u16,
    folder: TempDir,
    keeper: Child,
}

impl Postgres {
    pub async fn start() -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let keeper = keeper(folder.path(), port);
        let mut postgres = Self { port, folder, keeper };
        postgres.until_it_answers().await;
        postgres
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    async fn until_it_answers(&mut self) {
        let since = Instant::now();
        while let Err(error) = try_client(&self.url()).await {
            let waits = self.keeper.try_wait().unwrap().is_none() && since.elapsed() < STARTED_WITHIN;
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(waits, "Postgres does not start; run `bash .ci/tools`? {error}: {}", log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// As in a crash, but for what the system has been given to write: everything that was acknowledged.
    pub fn stop(&mut self) {
        self.keeper.stdin.take().unwrap().write_all(b"it will be started again").unwrap();
        self.keeper.wait().unwrap();
    }

    /// After it was stopped: on the same port.
    pub async fn start_again(&mut self) {
        self.keeper = keeper(self.folder.path(), self.port);
        self.until_it_answers().await;
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn keeper(folder: &Path, port: u16) -> Child {
    Command::new("sh")
        .args(["-c", KEEPER, "sh", &port.to_string()])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
