//! The thread that writes, and the queue before it.
//!
//! An operation is one job: all its statements run one after the other, with nothing to wait for in between. It is
//! diesel-async's own wrapper without tokio's blocking pool, which would run each statement elsewhere and panics when the
//! future of a query is dropped on a current-thread runtime (as actix-web's workers are).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use driftstack_domain::change::StoreError;
use tokio::{sync::oneshot, time::timeout};

use super::{
    anchor::Anchor,
    dialect::{self, Conn},
    file::{self, File, OpenError, Use},
};

/// Operations that may wait. More than that is not a queue but an outage.
const CAPACITY: usize = 256;
/// For so long an operation waits for its place in the queue.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a connection can be trusted with another job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    Sound,
    Broken,
}

type Job = Box<dyn FnOnce(&mut Conn) -> Connection + Send>;

enum Message {
    Job(Job),
    Stop(oneshot::Sender<()>),
}

pub(super) struct Writer {
    messages: flume::Sender<Message>,
    /// What nobody will ever take is taken from here: a channel keeps it as long as it can be sent to.
    waiting: flume::Receiver<Message>,
    stopped: AtomicBool,
}

impl Writer {
    /// Answers when the thread has its connection.
    pub(super) async fn start(file: Arc<File>) -> Result<Self, OpenError> {
        let (messages, waiting) = flume::bounded(CAPACITY);
        let (opened, ready) = oneshot::channel();
        let worker = Worker { file, waiting: waiting.clone() };
        let builder = thread::Builder::new().name("sqlite-writer".to_owned());
        builder.spawn(move || worker.run(opened)).map_err(OpenError::Thread)?;
        ready.await.unwrap_or(Err(OpenError::Lost))?;
        Ok(Self { messages, waiting, stopped: AtomicBool::new(false) })
    }

    /// Runs a job, also when nobody waits for its answer any more: who asked may be gone, but was not told that it would not
    /// happen.
    pub(super) async fn run<R, F>(&self, job: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Conn) -> R + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Message::Job(Box::new(move |conn| {
            let done = catch_unwind(AssertUnwindSafe(|| job(conn)));
            // A panic may have left a transaction open or a statement half read.
            let state = if done.is_ok() && dialect::is_idle(conn) { Connection::Sound } else { Connection::Broken };
            // Nobody may be there to hear it.
            let _ = answer.send(done.map_err(|_| StoreError::Failed("a job of the store panicked".to_owned())));
            state
        })))
        .await?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Stops the thread, after what was queued before.
    pub(super) async fn stop(&self) {
        let (stopped, done) = oneshot::channel();
        if self.stopped.load(Ordering::SeqCst) || self.messages.send_async(Message::Stop(stopped)).await.is_err() {
            return;
        }
        // An error means that the thread is gone, which is what was wanted.
        let _ = done.await;
        self.stopped.store(true, Ordering::SeqCst);
        self.waiting.drain();
    }

    async fn enqueue(&self, message: Message) -> Result<(), StoreError> {
        if let Err(refused) = self.messages.try_send(message) {
            // A timer only for those who have to wait.
            let waited = timeout(PATIENCE, self.messages.send_async(refused.into_inner())).await;
            waited.map_err(|_| full())?.map_err(|_| gone())?;
        }
        // Whichever of the two came later, this or the draining above, throws the message away.
        if self.stopped.load(Ordering::SeqCst) {
            self.waiting.drain();
        }
        Ok(())
    }
}

fn full() -> StoreError {
    StoreError::Unavailable(format!("{CAPACITY} operations are waiting already"))
}

fn gone() -> StoreError {
    StoreError::Unavailable("the database is closed or cannot be opened".to_owned())
}

struct Worker {
    file: Arc<File>,
    waiting: flume::Receiver<Message>,
}

impl Worker {
    fn run(self, opened: oneshot::Sender<Result<(), OpenError>>) {
        let mut conn = match self.file.connect(Use::Writing) {
            Ok(conn) => Some(conn),
            Err(error) => return drop(opened.send(Err(error))),
        };
        let _ = opened.send(Ok(()));
        let mut anchor = Anchor::new(Arc::clone(&self.file));
        let stopped = self.serve(&mut conn, &mut anchor);
        // The last connection that is closed takes the WAL away, and that is to have happened by the answer.
        drop(anchor);
        if let Some(conn) = &mut conn {
            file::leave(conn);
        }
        drop(conn);
        if let Some(stopped) = stopped {
            let _ = stopped.send(());
        }
    }

    /// Until somebody asks to stop, or every handle is gone.
    fn serve(&self, conn: &mut Option<Conn>, anchor: &mut Anchor) -> Option<oneshot::Sender<()>> {
        loop {
            if self.waiting.is_empty() {
                anchor.lower();
            }
            let message = self.waiting.recv().ok()?;
            anchor.raise();
            let job = match message {
                Message::Job(job) => job,
                Message::Stop(stopped) => return Some(stopped),
            };
            if conn.is_none() {
                *conn = self.reconnect();
            }
            // Without a connection the job is dropped, and with it the sender that its asker listens to.
            if let Some(open) = conn
                && job(open) == Connection::Broken
            {
                *conn = None;
            }
        }
    }

    fn reconnect(&self) -> Option<Conn> {
        let conn = self.file.connect(Use::Writing);
        conn.inspect_err(|error| tracing::error!(%error, "the database cannot be opened again")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn writer() -> (Writer, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let file = Arc::new(File::prepare(&folder.path().join("test.db")).unwrap());
        (Writer::start(file).await.unwrap(), folder)
    }

    #[tokio::test]
    async fn a_panic_costs_one_answer_and_not_the_thread() {
        let (writer, _folder) = writer().await;
        let panicking = writer.run(|conn| {
            // What the connection is left with: an open transaction.
            let begun = futures_util::FutureExt::now_or_never(Box::pin(dialect::begin(conn)));
            assert!(begun.unwrap().is_err(), "on purpose");
        });
        assert!(matches!(panicking.await, Err(StoreError::Failed(_))));
        assert!(writer.run(dialect::is_idle).await.unwrap());
    }

    #[tokio::test]
    async fn a_write_that_nobody_waits_for_happens_all_the_same() {
        let (writer, _folder) = writer().await;
        let (release, held) = flume::bounded::<()>(1);
        let ran = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ran);
        let busy = writer.run(move |_| held.recv());
        let dropped = async {
            let waiting = writer.run(move |_| seen.store(true, Ordering::SeqCst));
            assert!(timeout(Duration::from_millis(20), waiting).await.is_err());
            release.send(()).unwrap();
        };
        let _ = tokio::join!(busy, dropped);
        writer.run(|_| ()).await.unwrap();
        assert!(ran.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_stopped_writer_says_so() {
        let (writer, _folder) = writer().await;
        writer.stop().await;
        assert!(matches!(writer.run(|_| ()).await, Err(StoreError::Unavailable(_))));
    }
}
