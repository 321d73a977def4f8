use std::time::{Duration, Instant};

use crate::{database::try_client, keeper::Keeper, port::free_port};

/// The server refuses to run as root, and is stopped the hard way: it has no time to write anything.
const START: &str = r#"
bin=$(dirname "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -n 1)")
[ -x "$bin/initdb" ] || { echo "Postgres is not installed" >log; exit 1; }
as=
if [ "$(id -u)" -eq 0 ]; then
    who=$(id -un postgres 2>/dev/null || echo nobody)
    chown "$who" .
    as="setpriv --reuid=$who --regid=$(id -g "$who") --clear-groups"
fi
[ -d data ] || $as "$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync </dev/null >log 2>&1 || exit 1
signal=QUIT
$as "$bin/postgres" -D data -k '' -h 127.0.0.1 -p "$1" -c fsync=off -c full_page_writes=off -c max_connections=100 \
    </dev/null >log 2>&1 &"#;

/// On a noisy machine; in practice it takes a second or two.
const STARTED_WITHIN: Duration = Duration::from_mins(1);

/// A Postgres of one's own, which may be stopped.
pub struct Postgres {
    port: u16,
    keeper: Keeper,
}

impl Postgres {
    pub async fn start() -> Self {
        let port = free_port();
        let mut postgres = Self { port, keeper: Keeper::start(START, vec![port.to_string()]) };
        postgres.until_it_answers().await;
        postgres
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    async fn until_it_answers(&mut self) {
        let since = Instant::now();
        while let Err(error) = try_client(&self.url()).await {
            let waits = !self.keeper.has_given_up() && since.elapsed() < STARTED_WITHIN;
            assert!(waits, "Postgres does not start; run `bash .ci/tools`? {error}: {}", self.keeper.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// As in a crash, but for what the system has been given to write: everything that was acknowledged.
    pub fn stop(&mut self) {
        self.keeper.stop();
    }

    /// After it was stopped: on the same port.
    pub async fn start_again(&mut self) {
        self.keeper.start_again();
        self.until_it_answers().await;
    }
}
