//! The real binary as a process of its own.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_driftstack");

/// On a noisy machine; in practice it takes a few hundredths of a second.
const STARTED_WITHIN: Duration = Duration::from_mins(1);

/// The binary with its settings.
#[derive(Clone)]
pub struct Binary {
    data_dir: PathBuf,
    settings: Vec<(&'static str, OsString)>,
}

impl Binary {
    pub fn on(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), settings: Vec::new() }
    }

    /// The same with one setting more, by its name in the environment.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.env_clear().env("DRIFTSTACK_DATA_DIR", &self.data_dir).env("DRIFTSTACK_LISTEN", "127.0.0.1:0");
        command.envs(self.settings.iter().map(|(name, value)| (name, value))).args(arguments);
        command
    }

    /// Starts the service and waits for the line that says where it listens.
    pub fn serve(&self, arguments: &[&str]) -> Process {
        Process::start_until(self.command(arguments), "listening")
    }

    /// Starts a process that only works off what is to be done.
    pub fn work(&self) -> Process {
        Process::start_until(self.command(&["worker"]), "working")
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What a command prints; it must succeed.
    #[track_caller]
    pub fn printed(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Why a command fails: it must, with one line.
    #[track_caller]
    pub fn failure(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let text = String::from_utf8(output.stderr).unwrap().trim_end().to_owned();
        assert_eq!(text.lines().count(), 1, "{text}");
        text
    }
}

/// A running process. It is killed when it is dropped.
pub struct Process {
    child: Child,
    /// Where it listens, if it does.
    pub base: String,
    pub log: Log,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts the service on a folder alone.
    pub fn start(data_dir: &Path) -> Self {
        Binary::on(data_dir).serve(&[])
    }

    fn start_until(mut command: Command, message: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::follow(child.stderr.take().unwrap());
        let mut process = Self { child, base: String::new(), log };
        let line = process.first(message);
        process.base = line["address"].as_str().map(|address| format!("http://{address}")).unwrap_or_default();
        process
    }

    fn first(&mut self, message: &str) -> Value {
        let since = Instant::now();
        loop {
            if let Some(line) = self.log.of(message).into_iter().next() {
                return line;
            }
            let ended = self.child.try_wait().unwrap();
            let waits = ended.is_none() && since.elapsed() < STARTED_WITHIN;
            assert!(waits, "the process does not say `{message}`; {ended:?}: {:?}", self.log);
            thread::sleep(Duration::from_millis(1));
        }
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

    /// Waits until it has ended by itself. Answers whether that went well, and with what it said besides its log.
    pub fn ends(mut self) -> (bool, String) {
        let since = Instant::now();
        let ended = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(since.elapsed() < STARTED_WITHIN, "it goes on: {:?}", self.log);
            thread::sleep(Duration::from_millis(10));
        };
        // What it has written is read a moment later.
        while Arc::strong_count(&self.log.0) > 1 {
            thread::sleep(Duration::from_millis(1));
        }
        let said = self.log.0.lock().unwrap().iter().filter_map(Value::as_str).collect();
        (ended.success(), said)
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

/// What a process has logged so far. It outlives the process.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Value>>>);

impl Log {
    /// Somebody has to read on, or the service stops at a full pipe.
    fn follow(stderr: ChildStderr) -> Self {
        let log = Self::default();
        let lines = log.0.clone();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                lines.lock().unwrap().push(line);
            }
        });
        log
    }

    pub fn lines(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    /// The lines with a message that begins so.
    pub fn of(&self, message: &str) -> Vec<Value> {
        let begins = |line: &&Value| line["message"].as_str().is_some_and(|text| text.starts_with(message));
        self.0.lock().unwrap().iter().filter(begins).cloned().collect()
    }
}

pub fn run(data_dir: &Path, arguments: &[&str], input: &str) -> Output {
    Binary::on(data_dir).run(arguments, input)
}

#[track_caller]
pub fn printed(data_dir: &Path, arguments: &[&str], input: &str) -> String {
    Binary::on(data_dir).printed(arguments, input)
}

#[track_caller]
pub fn failure(data_dir: &Path, arguments: &[&str], input: &str) -> String {
    Binary::on(data_dir).failure(arguments, input)
}
