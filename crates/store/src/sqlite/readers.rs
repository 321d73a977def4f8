//! Connections that read, on the thread that asks.
//!
//! A read takes less time than handing it to another thread and being woken with the answer, and in WAL mode it waits for
//! nobody. So it happens at once: as many at a time as there are threads that ask, each on a connection of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use driftstack_domain::change::StoreError;

use super::{
    dialect::{self, Conn},
    file::{File, OpenError, Use},
};

pub(super) struct Readers {
    file: Arc<File>,
    /// `None` once they are closed.
    idle: Mutex<Option<Vec<Conn>>>,
}

impl Readers {
    /// Opens the first one, to see that it can be done.
    pub(super) fn open(file: Arc<File>) -> Result<Self, OpenError> {
        let first = file.connect(Use::Reading)?;
        Ok(Self { file, idle: Mutex::new(Some(vec![first])) })
    }

    pub(super) fn run<R>(&self, job: impl FnOnce(&mut Conn) -> R) -> Result<R, StoreError> {
        let mut conn = self.take()?;
        let done = catch_unwind(AssertUnwindSafe(|| job(&mut conn)));
        // A panic may have left a statement half read.
        if done.is_ok()
            && dialect::is_idle(&mut conn)
            && let Some(idle) = self.idle().as_mut()
        {
            idle.push(conn);
        }
        done.map_err(|_| StoreError::Failed("a read of the store panicked".to_owned()))
    }

    pub(super) fn close(&self) {
        self.idle().take();
    }

    fn take(&self) -> Result<Conn, StoreError> {
        let closed = || StoreError::Unavailable("the database is closed".to_owned());
        let idle = self.idle().as_mut().ok_or_else(closed)?.pop();
        match idle {
            Some(conn) => Ok(conn),
            None => self.file.connect(Use::Reading).map_err(|error| StoreError::Unavailable(error.to_string())),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Option<Vec<Conn>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn readers() -> (Readers, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let file = Arc::new(File::prepare(&folder.path().join("test.db")).unwrap());
        (Readers::open(file).unwrap(), folder)
    }

    fn count(readers: &Readers) -> usize {
        readers.idle().as_ref().map_or(0, Vec::len)
    }

    #[test]
    fn reads_at_once_have_a_connection_each_and_leave_them_to_the_next() {
        let (readers, _folder) = readers();
        readers.run(|_| readers.run(|_| assert_eq!(count(&readers), 0)).unwrap()).unwrap();
        assert_eq!(count(&readers), 2);
        readers.run(|_| assert_eq!(count(&readers), 1)).unwrap();
    }

    #[test]
    fn a_panic_costs_one_answer_and_its_connection() {
        let (readers, _folder) = readers();
        let panicking = readers.run(|conn| {
            let begun = dialect::begin(conn).now_or_never();
            assert!(begun.is_none(), "on purpose");
        });
        assert!(matches!(panicking, Err(StoreError::Failed(_))));
        assert_eq!(count(&readers), 0);
        assert!(readers.run(dialect::is_idle).unwrap());
    }

    #[test]
    fn what_is_closed_says_so() {
        let (readers, _folder) = readers();
        readers.close();
        assert!(matches!(readers.run(|_| ()), Err(StoreError::Unavailable(_))));
    }
}
