//! The `driftstack` binary.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    driftstack::cli::run().await
}
