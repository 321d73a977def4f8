//! The routes: each one is a method, a path and a handler, and the handler's signature says the rest.
//!
//! The first argument of a handler is a [`Gate`], an [`EitherGate`] or [`Open`], which names its action. The other arguments and the answer tell
//! what the reference says of it. So a route without an action does not compile, and the reference cannot be out of date.

#![expect(clippy::indexing_slicing, reason = "what is indexed here is an object that was made here")]

use std::future::Future;

use actix_web::{
    Error, FromRequest, Handler, HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    dev::Payload,
    http::{Method, StatusCode},
    web,
};
use driftstack_domain::{
    idempotency::IdempotencyKey,
    policy::{Action, Operation},
};
use futures_util::future::{LocalBoxFuture, Ready, ready};
use serde::Serialize;
use serde_json::{Value, json};
use tracing::Instrument;
use utoipa::ToSchema;

use super::{
    answer::{Accepted, NoContent, Ok200, Told},
    body::Body,
    client::Calling,
    codes::Code,
    either_gate::EitherGate,
    gate::Gate,
    idempotency::{KEY_HEADER, NewBody, Once},
    limits::Throttle,
    openapi::Description,
    path::Id,
    problem::Problem,
    query::{Parameters, Query},
};
use crate::{doors::Doors, trace, wire::Services};

/// For an operation that asks for no credential. One that is sent is not looked at.
pub struct Open<A>(std::marker::PhantomData<fn() -> A>);

impl<A: Operation> FromRequest for Open<A> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(std::marker::PhantomData)))
    }
}

/// A route, with what the reference says of it.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub action: Action,
    /// What else it does, where one path is two operations and the body says which.
    pub also: Option<Action>,
    /// A second path to an operation, for clients that know it by that.
    pub is_alias: bool,
    pub describe: fn(&mut Description),
    make: Box<dyn Fn() -> actix_web::Route + Send + Sync>,
}

/// Every route there is.
#[derive(Default)]
pub struct Api {
    routes: Vec<Route>,
}

impl Api {
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    #[must_use]
    pub fn route<H, Args, T>(mut self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<Args, Output = Result<T, Problem>> + Send + Sync,
        H::Future: Future<Output = Result<T, Problem>>,
        Args: Arguments + 'static,
        T: Responder + Describe + 'static,
    {
        let wanted = method.clone();
        self.routes.push(Route {
            method,
            path,
            action: Args::ACTION,
            also: Args::ALSO,
            is_alias: false,
            describe: |description| {
                Args::describe(description);
                T::describe(description);
            },
            make: Box::new(move || {
                let handler = handler.clone();
                web::method(wanted.clone()).to(move |InOrder(arguments): InOrder<Args>| {
                    let action = Args::ACTION.gates().name;
                    handler.call(arguments).instrument(trace::of_operation(action))
                })
            }),
        });
        self
    }

    /// Another path to an operation that has a route already.
    #[must_use]
    pub fn alias<H, Args, T>(self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<Args, Output = Result<T, Problem>> + Send + Sync,
        H::Future: Future<Output = Result<T, Problem>>,
        Args: Arguments + 'static,
        T: Responder + Describe + 'static,
    {
        let mut api = self.route(method, path, handler);
        if let Some(route) = api.routes.last_mut() {
            route.is_alias = true;
        }
        api
    }

    /// Hands the routes to the server, one resource a path, so that a wrong method is told from a wrong path.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        let mut paths: Vec<&'static str> = self.routes.iter().map(|route| route.path).collect();
        paths.sort_unstable();
        paths.dedup();
        // A literal segment before a placeholder in the same place, as the first match wins.
        paths.sort_by_key(|path| path.contains('{'));
        for path in paths {
            let routes = || self.routes.iter().filter(move |route| route.path == path);
            let allowed = routes().map(|route| route.method.as_str()).collect::<Vec<_>>().join(", ");
            let resource = routes().fold(web::resource(path), |resource, route| resource.route((route.make)()));
            config.service(resource.default_service(web::to(move || ready(method_not_allowed(&allowed)))));
        }
    }
}

pub(super) fn method_not_allowed(allowed: &str) -> HttpResponse {
    let problem = Problem::new(Code::MethodNotAllowed, format_args!("allowed here: {allowed}"));
    let mut response = actix_web::ResponseError::error_response(&problem);
    if let Ok(value) = allowed.parse() {
        response.headers_mut().insert(actix_web::http::header::ALLOW, value);
    }
    response
}

/// Says its part of a route's reference.
pub trait Describe {
    fn describe(description: &mut Description);
}

/// The arguments of a handler.
pub trait Arguments: Describe + Sized {
    const ACTION: Action;
    const ALSO: Option<Action>;

    /// One after the other. The framework would ask all at once, and a body that is malformed would answer before the gate
    /// has: to somebody who may not even knock, and for free.
    fn extract(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Self, Error>>;
}

struct InOrder<Args>(Args);

impl<Args: Arguments + 'static> FromRequest for InOrder<Args> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if !request.app_data::<web::Data<Doors>>().is_some_and(|doors| doors.are_open()) {
                return Err(Problem::unavailable().into());
            }
            Args::extract(&request, &mut payload).await.map(Self)
        })
    }
}

trait First {
    const ACTION: Action;
    const ALSO: Option<Action> = None;
}

impl<A: Operation, B: Operation> First for EitherGate<A, B> {
    const ACTION: Action = A::ACTION;
    const ALSO: Option<Action> = Some(B::ACTION);
}

impl<A: Operation> First for Gate<A> {
    const ACTION: Action = A::ACTION;
}

impl<A: Operation> First for Open<A> {
    const ACTION: Action = A::ACTION;
}

macro_rules! arguments {
    ($($rest:ident)*) => {
        #[allow(private_bounds)]
        impl<F: First + FromRequest, $($rest: Describe + FromRequest),*> Arguments for (F, $($rest,)*) {
            const ACTION: Action = F::ACTION;
            const ALSO: Option<Action> = F::ALSO;

            async fn extract(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Error> {
                Ok((
                    F::from_request(request, payload).await.map_err(Into::into)?,
                    $($rest::from_request(request, payload).await.map_err(Into::into)?,)*
                ))
            }
        }

        #[allow(private_bounds)]
        impl<F: First, $($rest: Describe),*> Describe for (F, $($rest,)*) {
            fn describe(_description: &mut Description) {
                $($rest::describe(_description);)*
            }
        }
    };
}

arguments! {}
arguments! { B }
arguments! { B C }
arguments! { B C D }
arguments! { B C D E }

impl<T: ToSchema, const MAX: usize> Describe for Body<T, MAX> {
    fn describe(description: &mut Description) {
        let schema = description.schema::<T>();
        description.operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
}

impl<T: ToSchema> Describe for NewBody<T> {
    fn describe(description: &mut Description) {
        Body::<T>::describe(description);
    }
}

impl<T: Parameters> Describe for Query<T> {
    fn describe(description: &mut Description) {
        for (name, meaning) in T::KNOWN {
            description.parameter(json!({
                "name": name, "in": "query", "required": false, "description": meaning, "schema": { "type": "string" }
            }));
        }
    }
}

impl<T> Describe for Id<T> {
    fn describe(description: &mut Description) {
        description.parameter(json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }));
    }
}

/// What the reference is silent about.
macro_rules! silent {
    ($($type:ty)*) => { $(impl Describe for $type { fn describe(_: &mut Description) {} })* };
}

silent! { Calling Throttle web::Data<Services> web::Data<Doors> HttpRequest }

fn answer(description: &mut Description, status: u16, content: Option<Value>) {
    let mut answer = json!({ "description": "Done." });
    if let Some(schema) = content {
        answer["content"] = json!({ "application/json": { "schema": schema } });
    }
    description.operation["responses"][status.to_string()] = answer;
}

fn describe_told<T: ToSchema>(description: &mut Description, status: StatusCode) {
    let schema = description.schema::<T>();
    answer(description, status.as_u16(), Some(schema));
}

impl<T: ToSchema + Serialize> Describe for Ok200<T> {
    fn describe(description: &mut Description) {
        describe_told::<T>(description, Self::STATUS);
    }
}

impl<T: ToSchema + Serialize> Describe for Accepted<T> {
    fn describe(description: &mut Description) {
        describe_told::<T>(description, Self::STATUS);
    }
}

/// Alone, a [`Created`](super::Created) describes nothing: whoever creates takes an `Idempotency-Key`.
impl<V: Told<View: ToSchema>> Describe for Once<V> {
    fn describe(description: &mut Description) {
        describe_told::<V::View>(description, V::STATUS);
        description.parameter(json!({
            "name": KEY_HEADER, "in": "header", "required": false,
            "description": "1 to 255 printable characters. For 24 hours the same request with the same key gets the answer \
                            of the first one, with `Idempotency-Replayed: true`, and nothing is created again.",
            "schema": { "type": "string", "maxLength": IdempotencyKey::MAX_CHARS },
        }));
    }
}

impl Describe for NoContent {
    fn describe(description: &mut Description) {
        answer(description, 204, None);
    }
}

/// A stream of server-sent events.
pub struct Events(pub HttpResponse);

impl Responder for Events {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}

impl Describe for Events {
    fn describe(description: &mut Description) {
        let content = json!({ "text/event-stream": { "schema": { "type": "string" } } });
        description.operation["responses"]["200"] =
            json!({ "description": "Events, until the stream ends.", "content": content });
    }
}

/// A body that is not described by a type: a stream.
impl Describe for HttpResponse {
    fn describe(description: &mut Description) {
        answer(description, 200, Some(json!({})));
    }
}
