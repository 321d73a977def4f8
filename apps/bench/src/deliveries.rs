//! Events that wait for one endpoint, and one process that delivers them to a receiver which answers at once.

use std::{
    collections::HashSet,
    path::Path,
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Bytes, Data},
};
use diesel::{Connection as _, connection::SimpleConnection, sqlite::SqliteConnection};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use serde_json::{Value, from_slice, json};

use crate::{
    Failure,
    connection::Connection,
    people,
    process::Process,
    sides::{Full, request},
};

pub const EVENTS: usize = 1000;
/// Nothing arrives any more.
const GIVEN_UP_AFTER: Duration = Duration::from_mins(1);

/// As if somebody were delivering already, so that what happens waits.
const HOLD_ON_POSTGRES: &str = "UPDATE webhook_endpoints SET leased_until = now() + interval '1 day'";
const HOLD_ON_SQLITE: &str = "
    PRAGMA busy_timeout = 5000;
    UPDATE webhook_endpoints SET leased_until = unixepoch() * 1000 + 86400000";
/// As it was when the endpoint was made.
const RELEASE: &str = "UPDATE webhook_endpoints SET leased_until = created_at";

/// How long it takes, from the start of the process to the last event: a worker on Postgres; on SQLite whoever serves delivers.
pub async fn take(full: &Full, binary: &Path) -> Result<Duration, Failure> {
    let receiver = Receiver::start()?;
    prepare(full, binary, &receiver.url).await?;
    let (folder, database) = (full.folder.path(), &full.database);
    let began = Instant::now();
    let delivers = if is_sqlite(full) { Process::delivering } else { Process::worker };
    let _process = delivers(binary, folder, database)?;
    let last = receiver.until(EVENTS).await?;
    Ok(last.duration_since(began))
}

/// Somebody who may ask often has an endpoint, and asks for one test of it after the other.
async fn prepare(full: &Full, binary: &Path, url: &str) -> Result<(), Failure> {
    let service = Process::delivering(binary, full.folder.path(), &full.database)?;
    let who = people::furnished(full.accounts).next().ok_or("there is nobody")?;
    let post = |path: &str, body: &Value| request(who, service.address, &format!("POST {path}"), &body.to_string());
    let mut connection = Connection::open(service.address).await?;
    let order = json!({ "url": url, "events": ["api_key.revoked"] });
    let made: Value = from_slice(connection.ask(&post("/v1/webhooks", &order)).await?)?;
    let id = made.get("id").and_then(Value::as_str).ok_or("an endpoint without an id")?;
    execute(full, if is_sqlite(full) { HOLD_ON_SQLITE } else { HOLD_ON_POSTGRES }).await?;
    let test = post(&format!("/v1/webhooks/{id}/test"), &json!({}));
    for _ in 0..EVENTS {
        connection.ask(&test).await?;
    }
    drop(service);
    execute(full, RELEASE).await
}

fn is_sqlite(full: &Full) -> bool {
    full.database.starts_with("sqlite:")
}

async fn execute(full: &Full, statements: &str) -> Result<(), Failure> {
    match full.database.strip_prefix("sqlite:") {
        Some(path) => SqliteConnection::establish(path)?.batch_execute(statements)?,
        None => AsyncPgConnection::establish(&full.database).await?.batch_execute(statements).await?,
    }
    Ok(())
}

/// The id of an event, and when it arrived.
type Arrival = (String, Instant);

/// Says 204, on a thread of its own.
struct Receiver {
    url: String,
    arrivals: flume::Receiver<Arrival>,
    server: ServerHandle,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl Receiver {
    fn start() -> Result<Self, Failure> {
        let (arrived, arrivals) = flume::unbounded();
        let app = move || App::new().app_data(Data::new(arrived.clone())).default_service(web::to(receive));
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0")?;
        let address = server.addrs().first().copied().ok_or("the receiver has no address")?;
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { url: format!("http://{address}/"), arrivals, server: handle })
    }

    /// When so many different events have arrived.
    async fn until(&self, wanted: usize) -> Result<Instant, Failure> {
        let mut events = HashSet::new();
        loop {
            let arrival = tokio::time::timeout(GIVEN_UP_AFTER, self.arrivals.recv_async()).await;
            let (event, at) = arrival.map_err(|_| format!("{} of {wanted} events arrived", events.len()))??;
            events.insert(event);
            if events.len() == wanted {
                return Ok(at);
            }
        }
    }
}

/// Takes the body too: the next one comes on the same connection.
async fn receive(request: HttpRequest, _: Bytes, arrived: Data<flume::Sender<Arrival>>) -> HttpResponse {
    let event = request.headers().get("x-driftstack-event-id").and_then(|value| value.to_str().ok());
    if let Some(event) = event {
        // Nobody counts any more.
        let _ = arrived.send((event.to_owned(), Instant::now()));
    }
    HttpResponse::NoContent().finish()
}
