//! Lines of the log on their way out.
//!
//! A busy service writes a line for each request. A system call for each, where threads wait for each other, costs as much as
//! a good part of the request. So a line goes out at once after a pause; those that follow closely go out together, a moment
//! later. A warning or an error takes along at once what waits before it.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// What waits goes out so much later.
const MOMENT: Duration = Duration::from_millis(20);
/// More than that does not wait.
const FULL_BYTES: usize = 64 * 1024;

/// The end of the log. When it is dropped, everything is out.
pub(crate) struct Lines(Arc<Shared>);

impl Lines {
    pub(crate) fn to(out: impl Write + Send + 'static) -> Self {
        let (promise, promised) = mpsc::channel();
        let waiting = Waiting { text: Vec::new(), out: Box::new(out), last: None, is_promised: false };
        let shared = Arc::new(Shared { waiting: Mutex::new(waiting), promise });
        let weak = Arc::downgrade(&shared);
        thread::spawn(move || {
            while let (Ok(()), Some(shared)) = (promised.recv(), weak.upgrade()) {
                thread::sleep(MOMENT);
                let _ = shared.lock().write_out();
            }
        });
        Self(shared)
    }

    pub(crate) fn writer(&self) -> Writer {
        Writer(Arc::clone(&self.0))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let _ = self.0.lock().write_out();
    }
}

struct Shared {
    waiting: Mutex<Waiting>,
    promise: mpsc::Sender<()>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, line: &[u8], is_urgent: bool) -> io::Result<()> {
        let mut waiting = self.lock();
        waiting.text.extend_from_slice(line);
        let after_a_pause = waiting.last.is_none_or(|last| last.elapsed() >= MOMENT);
        if is_urgent || after_a_pause || waiting.text.len() >= FULL_BYTES {
            return waiting.write_out();
        }
        if !waiting.is_promised {
            waiting.is_promised = self.promise.send(()).is_ok();
        }
        Ok(())
    }
}

struct Waiting {
    text: Vec<u8>,
    out: Box<dyn Write + Send>,
    last: Option<Instant>,
    /// Somebody is on the way who writes out what waits.
    is_promised: bool,
}

impl Waiting {
    fn write_out(&mut self) -> io::Result<()> {
        self.is_promised = false;
        self.last = Some(Instant::now());
        let done = self.out.write_all(&self.text);
        self.text.clear();
        done
    }
}

/// Makes writers of single lines.
pub(crate) struct Writer(Arc<Shared>);

/// For one line.
pub(crate) struct Line<'a> {
    shared: &'a Shared,
    is_urgent: bool,
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { shared: &self.0, is_urgent: true }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> Line<'a> {
        Line { shared: &self.0, is_urgent: *about.level() <= Level::WARN }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.shared.take(line, self.is_urgent)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.shared.lock().write_out()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<String>>>);

    impl Write for Seen {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(String::from_utf8(text.to_vec()).unwrap());
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seen {
        fn all(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    #[test]
    fn lines_that_follow_closely_go_out_together_a_moment_later() {
        let seen = Seen::default();
        let lines = Lines::to(seen.clone());
        for line in ["a\n", "b\n", "c\n"] {
            lines.0.take(line.as_bytes(), false).unwrap();
        }
        assert_eq!(seen.all(), ["a\n"], "the first one does not wait");
        let since = Instant::now();
        while seen.all().len() < 2 && since.elapsed() < Duration::from_secs(10) {
            thread::sleep(MOMENT);
        }
        assert_eq!(seen.all(), ["a\n", "b\nc\n"]);
    }

    #[test]
    fn an_error_does_not_wait_and_takes_along_what_does() {
        let seen = Seen::default();
        let lines = Lines::to(seen.clone());
        for (line, is_urgent) in [("a\n", false), ("b\n", false), ("c\n", true)] {
            lines.0.take(line.as_bytes(), is_urgent).unwrap();
        }
        assert_eq!(seen.all(), ["a\n", "b\nc\n"]);
    }

    #[test]
    fn at_the_end_everything_is_out() {
        let seen = Seen::default();
        let lines = Lines::to(seen.clone());
        lines.0.take(b"a\n", false).unwrap();
        lines.0.take(b"b\n", false).unwrap();
        drop(lines);
        assert_eq!(seen.all().concat(), "a\nb\n");
    }
}
