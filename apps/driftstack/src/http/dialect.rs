//! The dialects of the API: one service, and more than one way to speak with it.
//!
//! A dialect is a folder of thin translations and an implementation of [`Dialect`]. What is shared (gates, bodies, pages,
//! idempotency, limits) knows none of them by name: it makes a [`Problem`], and the dialect of the path tells it in its own
//! words. To add one, add a folder and a line in `DIALECTS`.

use std::time::Instant;

use actix_web::http::{StatusCode, header::HeaderMap};
use serde_json::Value;

use super::{limits::Charged, organisation::OrganisationDialect, problem::Problem, route::Api, v1::Driftstack};
use crate::wire::Services;

/// What a request is about before anybody has looked at it. It lies in the extensions of every request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// In the spelling of the dialect.
    pub id: String,
    pub begun: Instant,
}

/// An error, written.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: String,
}

/// What the reference says of the errors of a dialect.
pub struct ErrorShape {
    /// Of the schema and of the response among the components.
    pub name: &'static str,
    pub description: &'static str,
    pub content_type: &'static str,
    /// Made for a deployment with this base of problem types.
    pub schema: fn(&str) -> Value,
}

/// What differs between dialects beside their routes.
pub trait Dialect: Sync {
    /// Every path below it speaks the dialect, also one where there is nothing.
    fn prefix(&self) -> &'static str;

    fn routes(&self, api: Api) -> Api;

    /// The spelling of a request's id, whoever made it.
    fn request_id(&self, id: String) -> String {
        id
    }

    /// The only way for an error to leave the service.
    fn refuse(&self, problem: &Problem, services: &Services, asked: &Asked) -> Refusal;

    /// The headers that answers have in this dialect alone.
    fn decorate(&self, headers: &mut HeaderMap, charged: Option<&Charged>);

    fn error_shape(&self) -> ErrorShape;
}

/// The first one also speaks where no prefix fits: at `/healthz`, and where there is nothing.
static DIALECTS: (&dyn Dialect, &[&dyn Dialect]) = (&Driftstack, &[&OrganisationDialect]);

pub fn all() -> impl Iterator<Item = &'static dyn Dialect> {
    let (first, others) = DIALECTS;
    [first].into_iter().chain(others.iter().copied())
}

/// The dialect of a path.
pub fn of(path: &str) -> &'static dyn Dialect {
    let speaks = |dialect: &&dyn Dialect| {
        let below = path.strip_prefix(dialect.prefix());
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    all().find(speaks).unwrap_or(DIALECTS.0)
}

/// Every route of every dialect.
pub fn api() -> Api {
    all().fold(Api::default(), |api, dialect| dialect.routes(api))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("/v1/account/me", "/v1")]
    #[case("/healthz", "/v1")]
    #[case("/api/v1/account/me", "/api/v1")]
    #[case("/api/v1", "/api/v1")]
    #[case("/api/v1/nothing/here", "/api/v1")]
    #[case("/api/v10/account", "/v1")]
    #[case("/api", "/v1")]
    fn the_path_says_which(#[case] path: &str, #[case] prefix: &str) {
        assert_eq!(of(path).prefix(), prefix);
    }

    #[test]
    fn every_route_is_below_the_prefix_of_its_dialect() {
        for dialect in all() {
            for route in dialect.routes(Api::default()).routes() {
                assert_eq!(of(route.path).prefix(), dialect.prefix(), "{}", route.path);
            }
        }
    }
}
