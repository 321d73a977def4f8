//! What everything depends on goes away under load, and comes back.

mod postgres;
mod redis;
