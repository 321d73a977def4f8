//! What a route answers when all is well.

use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody, http::StatusCode};
use serde::Serialize;

/// A status and a body, which may be told again.
pub trait Told {
    type View: Serialize;
    const STATUS: StatusCode;

    fn view(&self) -> &Self::View;

    /// The response to somebody who asks again; `body` is the view as it was told the first time.
    fn again(status: StatusCode, body: Vec<u8>, _: &HttpRequest) -> HttpResponse {
        HttpResponse::build(status).content_type("application/json").body(body)
    }
}

/// 200 with JSON.
#[derive(Debug)]
pub struct Ok200<T>(pub T);

/// 201 with JSON.
#[derive(Debug)]
pub struct Created<T>(pub T);

/// 202 with JSON.
#[derive(Debug)]
pub struct Accepted<T>(pub T);

/// 204.
#[derive(Debug)]
pub struct NoContent;

impl<T: Serialize> Responder for Ok200<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Created().json(self.0)
    }
}

impl<T: Serialize> Responder for Accepted<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Accepted().json(self.0)
    }
}

macro_rules! told {
    ($($answer:ident $status:ident)+) => { $(
        impl<T: Serialize> Told for $answer<T> {
            type View = T;
            const STATUS: StatusCode = StatusCode::$status;

            fn view(&self) -> &T {
                &self.0
            }
        }
    )+ };
}

told! { Ok200 OK Created CREATED Accepted ACCEPTED }

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}
