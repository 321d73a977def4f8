//! The two sides of a comparison, on one engine: the service, and the bare handlers beside it.

use std::{net::SocketAddr, path::Path};

use diesel::{select, sql_types};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, from_slice};
use tempfile::TempDir;

use crate::{
    Failure,
    connection::Connection,
    cpu,
    cpu::Payers,
    load::Target,
    people,
    process::{self, Process},
    seed,
};

/// Somebody who answers, and who pays for it.
pub struct Side {
    pub name: &'static str,
    pub target: Target,
    pub payers: Payers,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Ask {
    /// The calling account.
    Me,
    /// The same, of accounts that have all that an account page can have.
    FurnishedMe,
    /// Another name for it.
    Rename,
    /// A session, all of one account.
    Begin,
    /// What happens on the calling account, until the connection ends.
    Follow,
    /// Of the bare handlers alone: who a key belongs to.
    Key,
}

/// Both servers, on full databases.
pub struct Sides {
    pub service: Process,
    bare: Process,
    postmaster: Option<u32>,
    /// For other processes of the service.
    database: String,
    accounts: u32,
    // The last to go.
    folder: TempDir,
}

impl Sides {
    /// Both on one database: they are asked in turns.
    pub async fn postgres(binary: &Path, url: &str, accounts: u32) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        process::migrate(binary, folder.path(), url)?;
        seed::postgres(url, accounts).await?;
        let service = Process::service(binary, folder.path(), url)?;
        let (bare, postmaster) = (Process::bare(url)?, Some(postmaster(url).await?));
        Ok(Self { service, bare, postmaster, database: url.to_owned(), accounts, folder })
    }

    /// Each with a file of its own, both with the same content.
    pub fn sqlite(binary: &Path, accounts: u32) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (own, copy) = (path("service.db"), path("bare.db"));
        process::migrate(binary, folder.path(), &format!("sqlite:{own}"))?;
        seed::sqlite(&own, accounts)?;
        std::fs::copy(&own, &copy)?;
        let service = Process::service(binary, folder.path(), &format!("sqlite:{own}"))?;
        // Nobody else is to work on the file of the service.
        let database = format!("sqlite:{copy}");
        let bare = Process::bare(&database)?;
        Ok(Self { service, bare, postmaster: None, database, accounts, folder })
    }

    /// Fails unless both give the same answers: otherwise they would not be doing the same.
    pub async fn agree(&self) -> Result<(), Failure> {
        for n in people::callers(self.accounts).take(20) {
            let request = Ask::Me.request(n, self.service.address);
            let (mut service, mut bare) =
                (Connection::open(self.service.address).await?, Connection::open(self.bare.address).await?);
            let (ours, theirs): (Value, Value) =
                (from_slice(service.ask(&request).await?)?, from_slice(bare.ask(&request).await?)?);
            if ours != theirs {
                return Err(format!("the service answers {ours}, the bare handler {theirs}").into());
            }
        }
        Ok(())
    }

    pub fn service(&self, ask: Ask) -> Side {
        self.side("the service", &self.service, ask)
    }

    pub fn bare(&self, ask: Ask) -> Side {
        self.side("bare", &self.bare, ask)
    }

    /// Another process of the service on the same database, to which those who are furnished listen.
    pub async fn listened(&self, binary: &Path) -> Result<Listened, Failure> {
        let process = Process::service(binary, self.folder.path(), &self.database)?;
        let mut streams = Vec::new();
        for n in people::furnished(self.accounts).cycle().take(STREAMS) {
            let request = Ask::Follow.request(n, process.address);
            streams.push(Connection::open(process.address).await?.follow(&request).await?);
        }
        let side = |name, ask| self.side(name, &process, ask);
        let (plain, furnished) = (side("beside streams", Ask::Me), side("furnished", Ask::FurnishedMe));
        Ok(Listened { plain, furnished, others: (process, streams) })
    }

    /// Ends both servers, and leaves a database.
    pub fn end(self) -> Full {
        Full { database: self.database, accounts: self.accounts, folder: self.folder }
    }

    fn side(&self, name: &'static str, process: &Process, ask: Ask) -> Side {
        let payers = Payers { server: process.pid(), postmaster: self.postmaster };
        Side { name, target: ask.of(process.address, self.accounts), payers }
    }
}

/// A full database that nobody uses.
pub struct Full {
    pub database: String,
    pub accounts: u32,
    pub folder: TempDir,
}

/// A process with idle streams: who has nothing, and who has everything, and what must not end before the comparison.
pub struct Listened {
    pub plain: Side,
    pub furnished: Side,
    pub others: (Process, Vec<Connection>),
}

/// Streams of notifications on which nothing happens.
const STREAMS: usize = 500;

impl Ask {
    /// The requests of all callers.
    pub fn of(self, address: SocketAddr, accounts: u32) -> Target {
        let callers: Vec<u32> = match self {
            Self::Begin => vec![people::BUSY],
            Self::FurnishedMe | Self::Follow => people::furnished(accounts).collect(),
            Self::Me | Self::Rename | Self::Key => people::callers(accounts).collect(),
        };
        Target { address, requests: callers.into_iter().map(|n| self.request(n, address)).collect() }
    }

    fn request(self, n: u32, address: SocketAddr) -> Vec<u8> {
        let (line, body) = match self {
            Self::Me | Self::FurnishedMe => ("GET /v1/account/me", String::new()),
            Self::Follow => ("GET /v1/account/me/notifications", String::new()),
            Self::Key => ("GET /one", String::new()),
            Self::Begin => ("POST /v1/sessions", "{}".to_owned()),
            Self::Rename => ("PATCH /v1/account/me", format!(r#"{{"name":"Person {n}"}}"#)),
        };
        request(n, address, line, &body)
    }
}

/// A whole request of account `n`.
pub fn request(n: u32, address: SocketAddr, line: &str, body: &str) -> Vec<u8> {
    let secret = people::key(n);
    let head = format!("{line} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n", secret.expose());
    if body.is_empty() {
        return format!("{head}\r\n").into_bytes();
    }
    let length = body.len();
    format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Where all processes of a Postgres come from.
async fn postmaster(url: &str) -> Result<u32, Failure> {
    diesel::define_sql_function! {
        /// The process at the other end of this connection.
        fn pg_backend_pid() -> sql_types::Integer;
    }
    let mut conn = AsyncPgConnection::establish(url).await?;
    let backend: i32 = select(pg_backend_pid()).get_result(&mut conn).await?;
    cpu::parent(u32::try_from(backend)?)
}
