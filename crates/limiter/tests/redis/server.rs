//! A Redis server of one's own.

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use driftstack_limiter::RedisLimiter;
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

/// The shell waits for the end of its input, which comes when we close it and also when we are gone for whatever reason. Then
/// it kills the server, which may be stopped at that time, and removes the folder unless it was told something.
const KEEPER: &str =
    r#"redis-server "$@" >log 2>&1 & echo $! >pid; told=$(cat); kill -KILL $!; wait; [ "$told" ] || rm -rf "$PWD""#;

/// On a noisy machine; in practice it takes a few hundredths of a second.
const STARTED_WITHIN: Duration = Duration::from_secs(20);

pub struct Server {
    port: u16,
    more: Vec<String>,
    folder: TempDir,
    keeper: Child,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more settings, as on the command line. `{port}` becomes the port.
    pub fn start_with(more: &[[&str; 2]]) -> Self {
        let more: Vec<_> = more.iter().flatten().map(ToString::to_string).collect();
        // Somebody else may take a free port before the server does.
        (0..10).find_map(|_| Self::try_start(free_port(), &more)).expect("redis-server finds no free port")
    }

    fn try_start(port: u16, more: &[String]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let keeper = keeper(folder.path(), port, more);
        let mut server = Self { port, more: more.to_vec(), folder, keeper };
        server.is_ready().then_some(server)
    }

    /// Whether it is ready, or else could not have the port.
    fn is_ready(&mut self) -> bool {
        let since = Instant::now();
        while since.elapsed() < STARTED_WITHIN {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            match log {
                log if log.contains("Ready to accept connections") => return true,
                log if log.contains("Address already in use") => return false,
                log if log.contains("not found") => panic!("redis-server is not installed; run `bash .ci/tools`"),
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("redis-server does not start: {log}");
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A limiter whose keys nobody else has, and which waits for an answer, however slow the machine is.
    pub fn limiter(&self) -> RedisLimiter {
        self.limiter_of(&unused_prefix())
    }

    pub fn limiter_of(&self, prefix: &str) -> RedisLimiter {
        RedisLimiter::open(&self.url()).unwrap().with_prefix(prefix).answer_within(Duration::from_secs(30))
    }

    /// To look at the keys.
    pub async fn connect(&self) -> MultiplexedConnection {
        redis::Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    pub fn kill(&mut self) {
        self.keeper.stdin.take().unwrap().write_all(b"it will be started again").unwrap();
        self.keeper.wait().unwrap();
    }

    /// After it was killed: on the same port, and with nothing in it.
    pub fn start_again(&mut self) {
        // Else the last start would be taken for this one.
        fs::remove_file(self.folder.path().join("log")).unwrap();
        self.keeper = keeper(self.folder.path(), self.port, &self.more);
        assert!(self.is_ready(), "somebody else has taken the port");
    }

    /// It takes connections and requests, and answers none.
    pub fn hang(&self) {
        self.signal("-STOP");
    }

    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(self.folder.path().join("pid")).unwrap();
        assert!(Command::new("kill").args([signal, pid.trim()]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().unwrap();
    }
}

/// The server of all tests that only want keys of their own.
pub fn shared() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
    &SERVER
}

pub fn unused_prefix() -> String {
    static USED: AtomicUsize = AtomicUsize::new(0);
    format!("test{}", USED.fetch_add(1, Ordering::Relaxed))
}

/// A port of this machine where nobody listens.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn keeper(folder: &Path, port: u16, more: &[String]) -> Child {
    let port = port.to_string();
    let settings = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"];
    Command::new("sh")
        .args(["-c", KEEPER, "sh"])
        .args(settings)
        .arg("--dir")
        .arg(folder)
        .args(more.iter().map(|setting| setting.replace("{port}", &port)))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
