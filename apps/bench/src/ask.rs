//! The parts of a run by hand, such as under a profiler.

use std::{net::SocketAddr, time::Duration};

use crate::{Failure, load::Load, seed, sides::Ask};

#[derive(clap::Args)]
pub struct Options {
    address: SocketAddr,
    /// As many as were loaded.
    #[arg(long, default_value_t = 100_000)]
    accounts: u32,
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[arg(value_enum, long = "for", default_value_t = Ask::Me)]
    what: Ask,
}

/// Fills a database whose tables are there, for a service that is started by hand.
#[derive(clap::Args)]
pub struct SeedOptions {
    /// `postgres://…` or `sqlite:<path>`.
    database: String,
    #[arg(long, default_value_t = 100_000)]
    accounts: u32,
}

pub fn seed(options: &SeedOptions) -> Result<bool, Failure> {
    match options.database.strip_prefix("sqlite:") {
        Some(path) => seed::sqlite(path, options.accounts)?,
        None => tokio::runtime::Runtime::new()?.block_on(seed::postgres(&options.database, options.accounts))?,
    }
    Ok(true)
}

pub fn run(options: &Options) -> Result<bool, Failure> {
    let target = options.what.of(options.address, options.accounts);
    let load = Load { connections: 32, think: None, length: Duration::from_secs(options.seconds) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ((), tally) = runtime.block_on(load.put_on(&target, || ()))?;
    eprintln!("{:.0} a second, p99 {:?}", tally.per_second(), tally.p99());
    Ok(true)
}
