//! Query parameters: each one known, there once, and parsed with a message that names it.

use std::{fmt::Display, str::FromStr};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::{Ready, ready};

use super::problem::{Issue, IssueKind, Problem};

/// A set of query parameters that a route understands.
pub trait Parameters: Sized + 'static {
    /// Name and meaning of each, for the reference; any other one is refused.
    const KNOWN: &'static [(&'static str, &'static str)];

    fn read(query: &Pairs) -> Result<Self, Problem>;
}

/// The parameters of a route.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The pairs of a query string, none of them twice.
#[derive(Debug)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn parse(text: &str, known: &[(&str, &str)]) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(text).map_err(|error| Problem::invalid("query", error))?;
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.iter().any(|(known, _)| known == name) {
                let message = "unknown query parameter".to_owned();
                return Err(Problem::issues(vec![Issue { path: name.clone(), message, kind: IssueKind::Unknown }]));
            }
            if pairs.iter().skip(at + 1).any(|(other, _)| other == name) {
                return Err(Problem::invalid(name, "given more than once"));
            }
        }
        Ok(Self(pairs))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `None` when it is absent.
    pub fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.text(name).map(|text| text.parse().map_err(|error| Problem::invalid(name, error))).transpose()
    }
}

impl<T: Parameters> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = Pairs::parse(request.query_string(), T::KNOWN);
        ready(pairs.and_then(|pairs| T::read(&pairs)).map(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[(&str, &str)] = &[("limit", ""), ("action", "")];

    #[test]
    fn known_parameters_are_decoded() {
        let pairs = Pairs::parse("action=team.%2A&limit=5", KNOWN).unwrap();
        assert_eq!(pairs.text("action"), Some("team.*"));
        assert_eq!(pairs.parsed::<u16>("limit").unwrap(), Some(5));
        assert_eq!(pairs.parsed::<u16>("cursor").unwrap(), None);
    }

    #[test]
    fn a_misspelt_or_doubled_parameter_is_refused() {
        assert!(Pairs::parse("limti=5", KNOWN).is_err());
        assert!(Pairs::parse("limit=5&limit=6", KNOWN).is_err());
    }
}
