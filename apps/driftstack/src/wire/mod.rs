//! The composition root: the only place that names all adapters.

mod adapters;
mod error;
mod health;
mod services;
mod store;

pub use adapters::{Blobs, Parts, parts};
pub use error::StartError;
pub use health::Health;
pub use services::Services;
pub use store::{OpenStore, open_store, prepare_store};
