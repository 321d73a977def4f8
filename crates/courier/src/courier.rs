use std::{error::Error as StdError, fmt, io, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use driftstack_domain::webhook::{ANSWERED_WITHIN, Courier, CourierError, Excerpt, Handed, NotHanded, Parcel, Reach};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
};
use hyper_util::{
    client::legacy::{Client, Error},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, timeout_at};

use crate::{
    connector::Connector,
    names::{Checked, Names, ROOM_WITHIN, Rule, SystemNames, Unresolved},
};

/// A receiver that is to be reached at all is reached sooner.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// A look-up is a part of connecting: if it waited for room as long, a receiver would seem not to answer that nobody has asked.
const _: () = assert!(ROOM_WITHIN.as_millis() < CONNECTED_WITHIN.as_millis());
/// What the head of an answer may hold.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// What is read of a body. A connection whose answer is longer is closed, a shorter one is used again.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// A receiver that is told often keeps its connection for so long.
const KEPT_FOR: Duration = Duration::from_secs(15);

/// Hands over with HTTP/1.1. It follows no redirect and knows no proxy.
#[derive(Clone)]
pub struct HttpCourier {
    client: Client<Connector, Full<Bytes>>,
    reach: Reach,
    answered_within: Duration,
}

/// Why a courier was not made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl HttpCourier {
    pub fn open(reach: Reach) -> Result<Self, OpenError> {
        Self::with_names(reach, Arc::new(SystemNames::default()))
    }

    /// With somebody else who answers for names.
    pub fn with_names(reach: Reach, names: Arc<dyn Names>) -> Result<Self, OpenError> {
        Self::with_rule(reach, names, Arc::new(move |address: IpAddr| reach.allows(address)))
    }

    pub(crate) fn with_rule(reach: Reach, names: Arc<dyn Names>, rule: Rule) -> Result<Self, OpenError> {
        let in_the_clear = reach == Reach::Anywhere;
        let connector = Connector::new(Checked { names, rule }, in_the_clear, CONNECTED_WITHIN)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT_FOR)
            .pool_max_idle_per_host(1)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .http1_max_headers(MAX_HEADERS)
            .build(connector);
        Ok(Self { client, reach, answered_within: ANSWERED_WITHIN })
    }

    /// Waits so long in all; ten seconds unless told.
    #[must_use]
    pub fn answered_within(self, time: Duration) -> Self {
        Self { answered_within: time, ..self }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, until: Instant) -> Result<Handed, NotHanded> {
        let response = timeout_at(until, self.client.request(request)).await.map_err(|_| CourierError::TimedOut)?;
        let response = response.map_err(|error| why(&error))?;
        let status = response.status().as_u16();
        Ok(Handed { status, start: start_of(response, until).await })
    }
}

/// The beginning of a body: what has come by then. One that drips or breaks off has a beginning all the same, and the status was
/// there before.
async fn start_of(response: Response<Incoming>, until: Instant) -> Vec<u8> {
    let (mut body, mut start, mut read) = (response.into_body(), Vec::new(), 0);
    while read < MAX_BODY_BYTES {
        let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await else { break };
        let Ok(bytes) = frame.into_data() else { continue };
        read += bytes.len();
        let wanted = Excerpt::MAX_BYTES.saturating_sub(start.len()).min(bytes.len());
        start.extend_from_slice(bytes.get(..wanted).unwrap_or_default());
    }
    start
}

#[async_trait]
impl Courier for HttpCourier {
    async fn hand(&self, parcel: &Parcel) -> Result<Handed, NotHanded> {
        // An address in the URL is not looked up, so the connector would not see it.
        parcel.url.check(self.reach).map_err(|_| CourierError::NotPublic)?;
        let request = Request::post(parcel.url.as_str());
        let request = parcel.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let request = request.body(Full::from(parcel.body.clone())).map_err(|_| CourierError::NoConnection)?;
        self.exchange(request, Instant::now() + self.answered_within).await
    }
}

/// In the words of the domain. What lies beneath is not shown: it would tell of the network around this service.
fn why(error: &Error) -> NotHanded {
    match cause::<Unresolved>(error) {
        Some(Unresolved::NoRoom) => NotHanded::NotAsked,
        Some(Unresolved::Refused) => CourierError::NotPublic.into(),
        Some(Unresolved::Unknown) => CourierError::NoAddress.into(),
        None => unanswered(error).into(),
    }
}

/// Why somebody whose address is known did not answer.
fn unanswered(error: &Error) -> CourierError {
    let timed_out = cause::<tokio::time::error::Elapsed>(error).is_some()
        || cause::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
    match error.is_connect() {
        _ if timed_out => CourierError::TimedOut,
        true if cause::<rustls::Error>(error).is_some() => CourierError::Tls,
        true => CourierError::NoConnection,
        false => CourierError::Broken,
    }
}

/// The first error of a kind, of those that lie beneath one another. An `io::Error` does not name its own content as its source.
fn cause<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match within {
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    None
}

impl fmt::Debug for HttpCourier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCourier").field("reach", &self.reach).finish_non_exhaustive()
    }
}
