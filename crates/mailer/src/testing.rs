use std::{
    io,
    sync::{Arc, Mutex, Once},
};

use driftstack_domain::{
    id::MailId,
    mail::{Mail, MailContent},
    policy::Role,
    secret::LinkToken,
    testing::people::{self, LATER, NOW},
};
use tracing::subscriber::{DefaultGuard, set_default, set_global_default};
use tracing_subscriber::fmt::MakeWriter;

pub(crate) const BASE: &str = "https://example.com";
pub(crate) const TOKEN: &str = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE";

/// To Ada, with a token whether it is needed or not.
pub(crate) fn mail(content: MailContent) -> Mail {
    Mail {
        id: MailId::new(people::uuid(0x40)),
        to: people::email("ada@example.com"),
        content,
        token: LinkToken::parse(TOKEN),
        at: NOW,
    }
}

pub(crate) fn invite(team: &str, role: Role) -> MailContent {
    MailContent::TeamInvite { team: people::name(team), role, expires_at: LATER }
}

/// A log that remembers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Remembers what this thread logs, for as long as the guard lives.
    pub(crate) fn start() -> (Self, DefaultGuard) {
        // Where only one test listens, a line that another thread is the first to come by is switched off for both.
        static ELSEWHERE: Once = Once::new();
        ELSEWHERE.call_once(|| set_global_default(tracing_subscriber::fmt().with_writer(io::sink).finish()).unwrap());
        let log = Self::default();
        let guard = set_default(tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish());
        (log, guard)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
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
