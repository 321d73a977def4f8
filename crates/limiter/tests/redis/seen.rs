//! What an operator sees: the log and the metrics.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

pub struct Seen {
    log: Log,
    metrics: PrometheusHandle,
}

impl Seen {
    /// Runs this and sees what it tells. It runs on this thread alone, for that is where it is listened to.
    pub fn by(test: impl AsyncFnOnce(&Self)) {
        let recorder = PrometheusBuilder::new().build_recorder();
        let seen = Self { log: Log::default(), metrics: recorder.handle() };
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(seen.log.clone()).finish();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listen = || tracing::subscriber::with_default(subscriber, || runtime.block_on(test(&seen)));
        metrics::with_local_recorder(&recorder, listen);
    }

    pub fn log(&self) -> String {
        String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap()
    }

    /// The log's lines, which must be so many.
    #[track_caller]
    pub fn lines<const N: usize>(&self) -> [String; N] {
        let lines: Vec<_> = self.log().lines().map(str::to_owned).collect();
        lines.try_into().unwrap_or_else(|lines| panic!("not {N} lines: {lines:#?}"))
    }

    /// Zero when nobody has told it.
    pub fn metric(&self, name: &str) -> f64 {
        let told = self.metrics.render();
        let value = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }
}
