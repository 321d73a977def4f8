//! The servers, as processes of their own.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::Failure;

const STARTED_WITHIN: Duration = Duration::from_secs(20);

/// A running server. It is killed when it is dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// The service, with its log in a file: what it writes for each request is a part of what it costs.
    pub fn service(binary: &Path, folder: &Path, database: &str) -> Result<Self, Failure> {
        Self::listening(service(binary, folder, database), folder, "serve", "DRIFTSTACK_LISTEN")
    }

    /// The same, which may deliver to this machine.
    pub fn delivering(binary: &Path, folder: &Path, database: &str) -> Result<Self, Failure> {
        Self::listening(lax(binary, folder, database), folder, "serve", "DRIFTSTACK_LISTEN")
    }

    /// A worker, which may too. It listens to whoever asks for its metrics.
    pub fn worker(binary: &Path, folder: &Path, database: &str) -> Result<Self, Failure> {
        Self::listening(lax(binary, folder, database), folder, "worker", "DRIFTSTACK_METRICS_LISTEN")
    }

    fn listening(mut command: Command, folder: &Path, what: &str, setting: &str) -> Result<Self, Failure> {
        let address = free_address()?;
        command.arg(what).env(setting, address.to_string()).stderr(File::create(folder.join("log"))?);
        Self::start(command, address)
    }

    /// The bare handlers.
    pub fn bare(database: &str) -> Result<Self, Failure> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", "--listen", &address.to_string(), "--database", database]);
        Self::start(command, address)
    }

    fn start(mut command: Command, address: SocketAddr) -> Result<Self, Failure> {
        let mut process = Self { child: command.stdin(Stdio::null()).spawn()?, address };
        let since = Instant::now();
        while TcpStream::connect(address).is_err() {
            if process.child.try_wait()?.is_some() || since.elapsed() > STARTED_WITHIN {
                return Err(format!("{} does not listen", command.get_program().display()).into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(process)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// Makes the tables.
pub fn migrate(binary: &Path, folder: &Path, database: &str) -> Result<(), Failure> {
    let done = service(binary, folder, database).arg("migrate").stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if done.success() { Ok(()) } else { Err("the tables were not made".into()) }
}

fn service(binary: &Path, folder: &Path, database: &str) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().env("DRIFTSTACK_DATA_DIR", folder).env("DRIFTSTACK_DATABASE_URL", database);
    command
}

/// A receiver on this machine is nobody whom a service should call, but for a test.
fn lax(binary: &Path, folder: &Path, database: &str) -> Command {
    let mut command = service(binary, folder, database);
    command.env("DRIFTSTACK_WEBHOOK_ALLOW_PRIVATE", "1");
    command
}

fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
