//! Hands webhook deliveries over.
//!
//! The receiver is a stranger, and so is whoever answers for its name: what it can do is bounded in time and in bytes, and where
//! it can be is decided by the domain. [`HttpCourier`] looks a name up once for each connection, keeps the addresses that may be
//! called, and connects to one of those. Between the look and the connection nobody is asked again.

mod connector;
mod courier;
mod names;
#[cfg(test)]
mod tests;

pub use courier::{HttpCourier, OpenError};
pub use names::{LookUpError, Names, SystemNames};
