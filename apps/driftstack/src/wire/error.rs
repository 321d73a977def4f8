//! Why nothing starts.

/// Something without which nothing starts.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {problem}")]
pub struct StartError {
    what: &'static str,
    problem: String,
}

impl StartError {
    pub fn new(what: &'static str, problem: impl std::fmt::Display) -> Self {
        Self { what, problem: problem.to_string() }
    }
}
