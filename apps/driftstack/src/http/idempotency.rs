//! `Idempotency-Key`: whoever repeats a creation gets the first answer again.
//!
//! What a creation answers is a [`Once`], which [`Gate::create`] alone makes. As nothing else gives a [`Created`](super::answer::Created) a place in
//! the reference, a route that creates something cannot do without.

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    dev::Payload,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use driftstack_domain::{
    change::MaybeStale,
    idempotency::{Claim, ClaimError, Claimed, Creation, IdempotencyKey},
    policy::Operation,
    secret::Digest,
};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::{
    answer::Told,
    body::{self, MAX_BODY_BYTES},
    codes::Code,
    gate::Gate,
    problem::Problem,
};

pub const KEY_HEADER: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key of a request, if it has one, and what the request asks for: its path and the bytes of its body.
#[derive(Debug)]
pub struct Repeatable(Option<(IdempotencyKey, Digest)>);

impl Repeatable {
    fn read(request: &HttpRequest, body: &[u8]) -> Result<Self, Problem> {
        let key = key(request)?;
        Ok(Self(key.map(|key| (key, Digest::of_bytes(&[request.path().as_bytes(), b"\n", body].concat())))))
    }
}

/// A blank key counts as none: published clients take it for one.
fn key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let malformed =
        |why: &dyn std::fmt::Display| Problem::new(Code::BadRequest, format_args!("`Idempotency-Key`: {why}"));
    let mut values = request.headers().get_all(KEY_HEADER);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed(&"given more than once"));
    }
    let text = value.to_str().map_err(|_| malformed(&"expected printable ASCII"))?.trim();
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|error| malformed(&error)) }
}

/// The body of a creation, and whether it may be repeated.
#[derive(Debug)]
pub struct NewBody<T> {
    pub body: T,
    pub repeatable: Repeatable,
}

impl<T: DeserializeOwned + 'static> FromRequest for NewBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, bytes) = (request.clone(), body::bytes(request, payload, MAX_BODY_BYTES));
        Box::pin(async move {
            let bytes = bytes.await?;
            Ok(Self { body: body::read(&request, &bytes)?, repeatable: Repeatable::read(&request, &bytes)? })
        })
    }
}

/// The answer to a creation: a new one, or the one that was given before.
#[derive(Debug)]
pub struct Once<V>(Given<V>);

#[derive(Debug)]
enum Given<V> {
    Now(V),
    Before { status: StatusCode, body: Vec<u8> },
}

impl<V: Responder<Body = BoxBody> + Told> Responder for Once<V> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self.0 {
            Given::Now(answer) => answer.respond_to(request),
            Given::Before { status, body } => {
                let mut response = V::again(status, body, request);
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
                response
            }
        }
    }
}

/// The status in two bytes, then the body.
fn write<V: Told>(answer: &V) -> Vec<u8> {
    let mut bytes = V::STATUS.as_u16().to_be_bytes().to_vec();
    // A view that cannot be written cannot be answered either: the caller has got a 500 by then.
    serde_json::to_writer(&mut bytes, answer.view()).unwrap_or_default();
    bytes
}

fn read<V>(bytes: &[u8]) -> Result<Once<V>, Problem> {
    let (status, body) = bytes.split_first_chunk().ok_or_else(Problem::internal)?;
    let status = StatusCode::from_u16(u16::from_be_bytes(*status)).map_err(|_| Problem::internal())?;
    Ok(Once(Given::Before { status, body: body.to_vec() }))
}

impl<A: Operation> Gate<A> {
    /// [`Gate::change`] for what creates something: with a key it runs once, and whoever repeats it gets the same answer.
    pub async fn create<T, E, V>(
        &self,
        repeatable: &Repeatable,
        act: impl AsyncFn(Creation<'_, A, T>) -> Result<T, E>,
        tell: impl Fn(&T) -> V + Sync,
    ) -> Result<Once<V>, Problem>
    where
        E: MaybeStale + Into<Problem>,
        V: Told,
    {
        let Repeatable(Some((key, request))) = repeatable else {
            let made = self.change(async |by| act(by.into()).await).await?;
            return Ok(Once(Given::Now(tell(&made))));
        };
        let idempotency = &self.services().idempotency;
        let claim = match idempotency.claim(self.permit(), key, *request).await? {
            Claimed::Mine(claim) => claim,
            Claimed::Answered(answer) => return read(&answer),
        };
        let kept = |made: &T| write(&tell(made));
        match self.change(async |by| act(Creation::claimed(by, &claim, &kept)).await).await {
            Ok(made) => Ok(Once(Given::Now(tell(&made)))),
            Err(problem) => {
                self.give_up(&claim).await;
                Err(problem)
            }
        }
    }

    /// Where the store is away, the lease ends by itself.
    async fn give_up(&self, claim: &Claim) {
        if let Err(error) = self.services().idempotency.give_up(claim).await {
            tracing::warn!(%error, "an idempotency key stays taken for a minute");
        }
    }
}

impl From<ClaimError> for Problem {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::InProgress => {
                Self::new(Code::Conflict, error).with("idempotency_status", "in_progress").retry_after(1)
            }
            ClaimError::OtherRequest => Self::new(Code::Conflict, error).with("idempotency_status", "mismatch"),
            ClaimError::Store(error) => error.into(),
        }
    }
}
