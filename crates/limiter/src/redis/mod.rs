//! Limits counted in Redis: one script call for each charge, by the clock of the server, in keys that expire by themselves.

mod gcra;
mod key;
mod limiter;
mod link;

pub use limiter::{OpenError, RedisLimiter, Unanswered};
