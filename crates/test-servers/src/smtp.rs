use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

/// So long a server may take to start on a machine that has other things to do.
const START: Duration = Duration::from_secs(30);

/// A mail server that fails as it is told: `smtp.py`, which lists the arguments. It ends with its standard input, so also when this
/// process is killed.
pub struct Smtp {
    child: Child,
    events: Receiver<Value>,
    pub port: u16,
}

impl Smtp {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(python())
            .args(["-W", "ignore"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/smtp.py"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, events) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = told.send(serde_json::from_str(&line).unwrap());
            }
        });
        let mut server = Self { child, events, port: 0 };
        let listening = server.events.recv_timeout(START).expect("the mail server did not start");
        server.port = u16::try_from(listening["port"].as_u64().unwrap()).unwrap();
        server
    }

    /// What the server printed next: a mail that came in whole, taken or not.
    pub fn received(&self) -> Received {
        Received(self.events.recv_timeout(Duration::from_secs(20)).expect("no mail came in"))
    }

    pub fn received_nothing(&self) -> bool {
        self.events.try_recv().is_err()
    }

    /// Those that have come in since they were last asked for.
    pub fn received_so_far(&self) -> Vec<Received> {
        self.events.try_iter().map(Received).collect()
    }

    pub fn url(&self) -> String {
        format!("smtp://localhost:{}", self.port)
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/venv/bin/python");
    assert!(python.exists(), "aiosmtpd is not installed; run `bash .ci/tools`");
    python
}

/// A mail as it came in.
pub struct Received(Value);

impl Received {
    pub fn bytes(&self) -> Vec<u8> {
        self.text("content").chars().map(|c| u8::try_from(c).unwrap()).collect()
    }

    pub fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap()
    }

    pub fn list(&self, field: &str) -> Vec<&str> {
        self.0[field].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
    }

    /// The number of the connection, from 1.
    pub fn connection(&self) -> u64 {
        self.0["connection"].as_u64().unwrap()
    }

    pub fn encrypted(&self) -> bool {
        self.0["tls"].as_bool().unwrap()
    }

    /// Who signed in.
    pub fn user(&self) -> Option<&str> {
        self.0["user"].as_str()
    }
}
