//! A connection that reads all the time, so that reading costs the others less.
//!
//! Whoever begins to read takes a shared lock of the file, and gives it back at the end. The first and the last of a process
//! have to tell the operating system, while all others wait for them at a mutex; between these two it is a count in memory.
//! With one that never ends, nobody is the first or the last. See `docs/adr/0027-somebody-always-reads.md`.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use futures_util::FutureExt;

use super::{
    dialect::Conn,
    file::{File, Use},
};

/// A transaction begins to read with its first statement.
const READ_ON: &str = "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1;";
const END: &str = "COMMIT;";

/// It is up while somebody writes: under a reader a WAL cannot be begun anew, and would grow.
pub(super) struct Anchor {
    file: Arc<File>,
    conn: Option<Conn>,
    is_down: bool,
}

impl Anchor {
    pub(super) fn new(file: Arc<File>) -> Self {
        Self { file, conn: None, is_down: false }
    }

    /// Without it everything works too, so a failure is nobody's problem.
    pub(super) fn lower(&mut self) {
        if !self.is_down {
            if self.conn.is_none() {
                self.conn = self.file.connect(Use::Reading).ok();
            }
            self.is_down = self.run(READ_ON);
        }
    }

    pub(super) fn raise(&mut self) {
        if self.is_down {
            self.is_down = false;
            self.run(END);
        }
    }

    /// A connection on which something went wrong is closed, and its lock is gone with it.
    fn run(&mut self, statements: &'static str) -> bool {
        let Some(conn) = &mut self.conn else { return false };
        let done = conn.spawn_blocking(move |conn| conn.batch_execute(statements)).now_or_never();
        let done = matches!(done, Some(Ok(())));
        if !done {
            self.conn = None;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::{super::writer::Writer, *};
    use diesel::{
        Connection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Integer,
        sqlite::SqliteConnection,
    };
    use std::{path::PathBuf, time::Duration};

    #[derive(QueryableByName)]
    struct Checkpoint {
        #[diesel(sql_type = Integer)]
        busy: i32,
    }

    /// What comes of beginning the WAL anew, by somebody who does not wait.
    fn begun_anew(conn: &mut SqliteConnection) -> bool {
        sql_query("PRAGMA wal_checkpoint(RESTART)").get_result::<Checkpoint>(conn).unwrap().busy == 0
    }

    async fn writer() -> (Writer, PathBuf, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let writer = Writer::start(Arc::new(File::prepare(&path).unwrap())).await.unwrap();
        run(&writer, "CREATE TABLE t (x BLOB)").await;
        (writer, path, folder)
    }

    async fn run(writer: &Writer, statement: &'static str) {
        let run = move |conn: &mut Conn| {
            conn.spawn_blocking(move |conn| conn.batch_execute(statement)).now_or_never().unwrap().unwrap();
        };
        writer.run(run).await.unwrap();
    }

    #[tokio::test]
    async fn somebody_reads_whenever_nobody_writes() {
        let (writer, path, _folder) = writer().await;
        let mut other = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        for _ in 0..3 {
            run(&writer, "INSERT INTO t VALUES (zeroblob(100))").await;
            let down = async {
                while begun_anew(&mut other) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    other.batch_execute("INSERT INTO t VALUES (zeroblob(100))").unwrap();
                }
            };
            tokio::time::timeout(Duration::from_secs(5), down).await.unwrap();
        }
        writer.stop().await;
        assert!(begun_anew(&mut other));
    }

    #[tokio::test]
    async fn a_wal_is_begun_anew_all_the_same() {
        let (writer, path, _folder) = writer().await;
        for _ in 0..20 {
            run(&writer, "INSERT INTO t VALUES (zeroblob(2000000))").await;
            // So that the anchor is down by the next one.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let wal = std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
        assert!(wal < 12_000_000, "{wal} bytes of 40,000,000 that were written");
    }
}
