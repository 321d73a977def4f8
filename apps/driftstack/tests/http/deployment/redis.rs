//! A Redis of one's own.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::port::free_port;

/// The shell waits for the end of its input, which comes when we close it and also when we are gone for whatever reason. Then
/// it kills the server, and removes the folder unless it was told something.
const KEEPER: &str = r#"redis-server "$@" >log 2>&1 & told=$(cat); kill -KILL $!; wait; [ "$told" ] || rm -rf "$PWD""#;

/// On a noisy machine; in practice it takes a few hundredths of a second.
const STARTED_WITHIN: Duration = Duration::from_secs(30);

pub struct Redis {
    port: u16,
    folder: TempDir,
    keeper: Child,
}

impl Redis {
    pub fn start() -> Self {
        // Somebody else may take a free port before the server does.
        (0..10).find_map(|_| Self::try_start(free_port())).expect("redis-server finds no free port")
    }

    fn try_start(port: u16) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let keeper = keeper(folder.path(), port);
        let redis = Self { port, folder, keeper };
        redis.is_ready().then_some(redis)
    }

    /// Whether it is ready, or else could not have the port.
    fn is_ready(&self) -> bool {
        let since = Instant::now();
        loop {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            match log {
                log if log.contains("Ready to accept connections") => return true,
                log if log.contains("Address already in use") => return false,
                log if log.contains("not found") => panic!("redis-server is not installed; run `bash .ci/tools`"),
                log => assert!(since.elapsed() < STARTED_WITHIN, "redis-server does not start: {log}"),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn kill(&mut self) {
        self.keeper.stdin.take().unwrap().write_all(b"it will be started again").unwrap();
        self.keeper.wait().unwrap();
    }

    /// After it was killed: on the same port, and with nothing in it.
    pub fn start_again(&mut self) {
        // Else the last start would be taken for this one.
        fs::remove_file(self.folder.path().join("log")).unwrap();
        self.keeper = keeper(self.folder.path(), self.port);
        assert!(self.is_ready(), "somebody else has taken the port");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn keeper(folder: &Path, port: u16) -> Child {
    let settings = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", "."];
    Command::new("sh")
        .args(["-c", KEEPER, "sh", "--port", &port.to_string()])
        .args(settings)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
