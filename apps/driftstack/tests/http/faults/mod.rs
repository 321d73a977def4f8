//! What the service depends on goes away, and comes back.

mod mail;
mod postgres;
mod redis;
mod start;
