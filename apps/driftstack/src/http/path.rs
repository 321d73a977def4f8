//! Ids in a path.

use std::{fmt::Display, str::FromStr};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::{Ready, ready};

use super::{codes::Code, problem::Problem};

/// The `{id}` of a path.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<T: FromStr<Err: Display> + 'static> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().query("id");
        let id = text.parse().map(Self);
        ready(id.map_err(|error| Problem::new(Code::BadRequest, format_args!("the id in the path: {error}"))))
    }
}
