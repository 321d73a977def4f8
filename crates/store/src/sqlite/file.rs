//! The database file and its connections.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use diesel::{Connection, connection::SimpleConnection, sqlite::SqliteConnection};
use futures_util::FutureExt;

use super::dialect::Conn;

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot create the database file `{}`: {error}", path.display())]
    Create { path: PathBuf, error: io::Error },
    #[error("the path of the database is not UTF-8: `{}`", .0.display())]
    Path(PathBuf),
    #[error("cannot open the database `{path}`: {problem}")]
    Connect { path: String, problem: String },
    #[error("cannot start a thread for the database: {0}")]
    Thread(io::Error),
    #[error("a thread of the database ended before it was ready")]
    Lost,
}

/// Waits for writers in other processes, such as the operator's commands. Set first: the next one may already have to wait.
const BUSY: &str = "PRAGMA busy_timeout = 5000;";
/// `FULL`: what was acknowledged is on the disk, also after a power cut. `NORMAL` may lose the last commits then, and with
/// them a revoked key or a removed member.
const WRITING: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
const READING: &str = "PRAGMA query_only = ON;";
/// Keeps the planner's statistics fresh, and leaves a file that can be copied without its WAL.
const LEAVING: &str = "PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);";

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Reading,
    Writing,
}

/// Before the writing connection is closed for good.
pub(super) fn leave(conn: &mut Conn) {
    let left = conn.spawn_blocking(|conn| conn.batch_execute(LEAVING)).now_or_never();
    if let Some(Err(error)) = left {
        tracing::warn!(%error, "the database was closed without a checkpoint");
    }
}

/// A file that is there.
#[derive(Debug)]
pub(super) struct File {
    /// Absolute, so that a connection can be opened again wherever the process is by then.
    url: String,
}

impl File {
    pub(super) fn prepare(path: &Path) -> Result<Self, OpenError> {
        let absolute = create(path).map_err(|error| OpenError::Create { path: path.to_owned(), error })?;
        let url = absolute.into_os_string().into_string().map_err(|path| OpenError::Path(path.into()))?;
        Ok(Self { url })
    }

    pub(super) fn connect(&self, how: Use) -> Result<Conn, OpenError> {
        let failed = |problem: String| OpenError::Connect { path: self.url.clone(), problem };
        let mut conn = SqliteConnection::establish(&self.url).map_err(|error| failed(error.to_string()))?;
        let pragmas = match how {
            Use::Reading => READING,
            Use::Writing => WRITING,
        };
        for batch in [BUSY, pragmas] {
            conn.batch_execute(batch).map_err(|error| failed(error.to_string()))?;
        }
        Ok(Conn::new(conn))
    }
}

fn create(path: &Path) -> io::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // SQLite gives the WAL the mode of the file.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    path.canonicalize()
}
