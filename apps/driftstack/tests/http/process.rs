//! The real binary as a process of its own.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_driftstack");

/// A running service. It is killed when it is dropped.
pub struct Process {
    child: Child,
    pub base: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data_dir: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().env("DRIFTSTACK_DATA_DIR", data_dir).env("DRIFTSTACK_LISTEN", "127.0.0.1:0");
    command
}

impl Process {
    /// Starts the service and waits for the line that says where it listens.
    pub fn start(data_dir: &Path) -> Self {
        let mut child = command(data_dir).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.by_ref().find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            (line["message"] == "listening").then(|| line["address"].as_str().unwrap().to_owned())
        });
        // Somebody has to read on, or the service stops at a full pipe.
        thread::spawn(move || lines.for_each(drop));
        Self { child, base: format!("http://{}", address.expect("the service says where it listens")) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no time for anything.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and waits until it has. Answers how long that took, and whether it went well.
    pub fn terminate(mut self) -> (Duration, bool) {
        let begun = Instant::now();
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let status = self.child.wait().unwrap();
        (begun.elapsed(), status.success())
    }
}

/// Runs a command of the binary to its end.
pub fn run(data_dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = command(data_dir);
    let mut child =
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What a command prints; it must succeed.
#[track_caller]
pub fn printed(data_dir: &Path, arguments: &[&str], input: &str) -> String {
    let output = run(data_dir, arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Why a command fails: it must, with one line.
#[track_caller]
pub fn failure(data_dir: &Path, arguments: &[&str], input: &str) -> String {
    let output = run(data_dir, arguments, input);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let text = String::from_utf8(output.stderr).unwrap().trim_end().to_owned();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}
