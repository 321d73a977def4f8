//! Severe entries of the calling account's log, as server-sent events.

use std::fmt::Write as _;
use std::{convert::Infallible, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::{Method, header},
    web::{Bytes, Data},
};
use driftstack_domain::{
    access::AdmitError,
    audit::export::EntryView,
    change::StoreError,
    id::AuditId,
    notify::{FollowError, Following, MAX_STREAMS, TooMany},
    policy::action::FollowNotifications,
};
use futures_util::{
    future::{Ready, ready},
    stream,
};
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep};

use crate::{
    doors::Doors,
    http::{Api, Code, Gate, Problem, openapi::Description, route::Describe, route::Events},
    wire::Services,
};

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/v1/account/me/notifications", follow)
}

/// After a fault of the store; and not all of them at once when it is back.
fn pause() -> Duration {
    Duration::from_millis(fastrand::u64(500..1500))
}

/// A client that lost its stream comes back after so long, unless it knows better.
const RETRY_MILLIS: u32 = 3000;

/// The entry that a client was told last.
struct LastEventId(Option<AuditId>);

const LAST_EVENT_ID: &str = "last-event-id";

impl FromRequest for LastEventId {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let malformed = || Problem::invalid("Last-Event-ID", "expected the id of an audit entry");
        let header = request.headers().get(LAST_EVENT_ID).filter(|value| !value.is_empty());
        let id = header.map(|value| value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(malformed));
        ready(id.transpose().map(Self))
    }
}

impl Describe for LastEventId {
    fn describe(description: &mut Description) {
        description.parameter(json!({
            "name": "Last-Event-ID", "in": "header", "required": false,
            "description": "Begin behind this entry; with what is written from now on without it.",
            "schema": { "type": "string", "format": "uuid" },
        }));
    }
}

async fn follow(
    gate: Gate<FollowNotifications>,
    services: Data<Services>,
    doors: Data<Doors>,
    since: LastEventId,
) -> Result<Events, Problem> {
    let following = services.notifications.follow(gate.permit(), since.0).await?;
    let beat = services.heartbeat;
    let mut heartbeat = interval_at(Instant::now() + beat, beat);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let opening = opening(&following);
    let stream = Stream { gate, following, doors, heartbeat: Box::pin(heartbeat), opening: Some(opening) };
    let body = stream::unfold(stream, async |mut stream| Some((Ok::<_, Infallible>(stream.next().await?), stream)));
    let mut response = HttpResponse::Ok();
    response.content_type("text/event-stream");
    // Proxies that collect an answer before they pass it on would keep it for ever.
    response.insert_header(("x-accel-buffering", "no")).insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(Events(response.streaming(Box::pin(body))))
}

/// An id without data is no event: it only says where to resume, should the stream end before the first one.
fn opening(following: &Following) -> Bytes {
    let id = following.begun_at().map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("retry: {RETRY_MILLIS}\n{id}\n").into()
}

fn events(entries: &[EntryView]) -> Result<Bytes, serde_json::Error> {
    let mut text = String::new();
    for entry in entries {
        let data = serde_json::to_string(entry)?;
        // Writing to a string cannot fail.
        let _ = write!(text, "id: {}\nevent: audit\ndata: {data}\n\n", entry.id);
    }
    Ok(text.into())
}

/// An open stream. While nothing happens it holds a seat, a timer, and no connection to the database.
struct Stream {
    gate: Gate<FollowNotifications>,
    following: Following,
    doors: Data<Doors>,
    heartbeat: Pin<Box<Interval>>,
    opening: Option<Bytes>,
}

/// Why nothing can be written now.
enum Halt {
    /// The store is away: what is to be told is told when it is back.
    Away,
    /// The caller may not any more, or the store is broken.
    Over,
}

impl Stream {
    /// What is written next; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        loop {
            let away = match self.news().await {
                Ok(Some(events)) => return Some(events),
                Ok(None) => false,
                Err(Halt::Away) => true,
                Err(Halt::Over) => return None,
            };
            tokio::select! {
                biased;
                () = self.doors.closing() => return None,
                () = self.following.heard(), if !away => {}
                () = sleep(pause()), if away => {}
                _ = self.heartbeat.tick() => return self.beat().await,
            }
        }
    }

    /// What is new, for somebody who was asked after it was found whether they still may.
    async fn news(&mut self) -> Result<Option<Bytes>, Halt> {
        let Some(news) = self.following.look().await? else { return Ok(None) };
        let still = self.gate.again().await?;
        let entries = self.following.tell(news, &still);
        events(&entries).map(Some).map_err(|error| {
            tracing::error!(%error, "an entry cannot be written");
            Halt::Over
        })
    }

    /// A comment, which keeps the connection from looking idle.
    async fn beat(&mut self) -> Option<Bytes> {
        match self.gate.again().await.map_err(Halt::from) {
            // A heartbeat tells nothing, so that nobody knows whether they may is no reason to end.
            Ok(_) | Err(Halt::Away) => Some(Bytes::from_static(b": heartbeat\n\n")),
            Err(Halt::Over) => None,
        }
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Away,
            StoreError::Corrupt { .. } | StoreError::Failed(_) => {
                tracing::error!(%error, "a stream of notifications was ended");
                Self::Over
            }
        }
    }
}

impl From<AdmitError> for Halt {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::NotAuthenticated(_) | AdmitError::Denied(_) => Self::Over,
            AdmitError::Store(error) => error.into(),
        }
    }
}

impl From<FollowError> for Problem {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::UnknownEntry | FollowError::TooFarBehind => Self::invalid("Last-Event-ID", error),
            FollowError::TooMany(TooMany { current }) => {
                Self::new(Code::ConcurrencyLimit, error).with("current", current).with("limit", MAX_STREAMS)
            }
            FollowError::Store(error) => error.into(),
        }
    }
}
