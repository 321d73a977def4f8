//! HTTP: extractors parse and ask, handlers are one call, views are a `From`. No rule is here.

pub mod address;
pub mod answer;
pub mod blobs;
pub mod body;
pub mod client;
pub mod codes;
pub mod cursor;
pub mod dialect;
mod docs;
pub mod either_gate;
pub mod envelope;
pub mod gate;
pub mod idempotency;
pub mod limits;
pub mod openapi;
pub mod ops;
pub mod organisation;
pub mod page;
pub mod path;
pub mod problem;
pub mod query;
pub mod route;
pub mod v1;

// The vocabulary of a route.
pub use answer::{Accepted, Created, NoContent, Ok200};
pub use body::{Body, NothingBody};
pub use client::Calling;
pub use codes::Code;
pub use dialect::api;
pub use gate::Gate;
pub use idempotency::{NewBody, Once};
pub use page::{Listed, Paging};
pub use path::Id;
pub use problem::Problem;
pub use query::Query;
pub use route::{Api, Open};
