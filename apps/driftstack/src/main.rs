//! The `driftstack` binary.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request allocates some hundred times, and this one is quicker at it than those of the platforms.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    driftstack::cli::run().await
}
