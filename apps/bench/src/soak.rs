//! Many connections for a long time: what the service holds must not grow.

use std::{path::PathBuf, time::Duration};

use crate::{
    Failure, cpu,
    load::Load,
    report::{self, Line},
    sides::{Ask, Sides},
};

#[derive(clap::Args)]
pub struct Options {
    /// A Postgres that may be filled: `postgres://…`.
    #[arg(long)]
    postgres: String,
    /// The service.
    #[arg(long, default_value = "target/release/driftstack")]
    service: PathBuf,
    /// Where the table goes.
    #[arg(long, default_value = "docs/performance.md")]
    table: PathBuf,
    #[arg(long, default_value_t = 10)]
    minutes: u32,
}

const ACCOUNTS: u32 = 100_000;
const READING: usize = 180;
const WRITING: usize = 20;
const THINK: Duration = Duration::from_millis(150);
/// Between two looks at the memory.
const PERIOD: Duration = Duration::from_secs(10);
const LOOKS_PER_MINUTE: u32 = 6;
/// The end beside half-time. Before that it may grow: most accounts have yet to come by, and each has a limit to be counted.
const GROWTH: f64 = 1.02;
const MEMORY_MIB: f64 = 80.0;

/// Answers whether it did not grow.
pub fn run(options: &Options) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seen = runtime.block_on(watch(options))?;
    let settled = seen.get(seen.len() / 2).copied().unwrap_or(f64::NAN);
    let last = seen.last().copied().unwrap_or(f64::NAN);
    let most = seen.iter().copied().fold(0.0, f64::max);
    let minutes = options.minutes;
    let lines = [
        Line::at_most(format!("resident MiB, the most in {minutes} minutes"), MEMORY_MIB, most).must(),
        Line::at_most("the end beside half-time".to_owned(), GROWTH, last / settled).must(),
    ];
    let table = report::table(&lines);
    report::print(&table)?;
    report::write(&options.table, "soak", &table)?;
    Ok(lines.iter().all(Line::passed))
}

/// The resident memory in MiB, look by look.
async fn watch(options: &Options) -> Result<Vec<f64>, Failure> {
    let sides = Sides::postgres(&options.service, &options.postgres, ACCOUNTS).await?;
    let (reads, writes) = (sides.service(Ask::Me).target, sides.service(Ask::Rename).target);
    let mut seen = Vec::new();
    for _ in 0..options.minutes * LOOKS_PER_MINUTE {
        let load = |connections| Load { connections, think: Some(THINK), length: PERIOD };
        let nothing = || ();
        tokio::try_join!(load(READING).put_on(&reads, nothing), load(WRITING).put_on(&writes, nothing))?;
        let mib = cpu::resident_mib(sides.service.pid())?;
        eprintln!("{mib:.1} MiB");
        seen.push(mib);
    }
    Ok(seen)
}
