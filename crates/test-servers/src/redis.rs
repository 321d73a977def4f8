use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{keeper::Keeper, port::free_port};

/// It has nothing to save, and may be hanging: nothing else would end it then.
const START: &str = r#"signal=KILL; redis-server "$@" >log 2>&1 &"#;

/// On a noisy machine; in practice it takes a few hundredths of a second.
const STARTED_WITHIN: Duration = Duration::from_secs(30);

/// A Redis of one's own.
pub struct Redis {
    port: u16,
    keeper: Keeper,
}

impl Redis {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more settings, as on the command line. `{port}` becomes the port.
    pub fn start_with(more: &[[&str; 2]]) -> Self {
        // Somebody else may take a free port before the server does.
        (0..10).find_map(|_| Self::try_start(free_port(), more)).expect("redis-server finds no free port")
    }

    fn try_start(port: u16, more: &[[&str; 2]]) -> Option<Self> {
        let usual = ["--port", "{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "."];
        let settings = usual.iter().chain(more.iter().flatten());
        let settings = settings.map(|setting| setting.replace("{port}", &port.to_string())).collect();
        let redis = Self { port, keeper: Keeper::start(START, settings) };
        redis.is_ready().then_some(redis)
    }

    /// Whether it is ready, or else could not have the port.
    fn is_ready(&self) -> bool {
        let since = Instant::now();
        loop {
            match self.keeper.log() {
                log if log.contains("Ready to accept connections") => return true,
                log if log.contains("Address already in use") => return false,
                log if log.contains("not found") => panic!("redis-server is not installed; run `bash .ci/tools`"),
                log => assert!(since.elapsed() < STARTED_WITHIN, "redis-server does not start: {log}"),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn kill(&mut self) {
        self.keeper.stop();
    }

    /// After it was killed: on the same port, and with nothing in it.
    pub fn start_again(&mut self) {
        self.keeper.start_again();
        assert!(self.is_ready(), "somebody else has taken the port");
    }

    /// It takes connections and requests, and answers none.
    pub fn hang(&self) {
        self.keeper.signal("-STOP");
    }

    pub fn go_on(&self) {
        self.keeper.signal("-CONT");
    }
}
