//! What a request to the service costs, beside a bare handler that does the same queries and nothing else.
//!
//! Only ratios count: the two sides answer in turns, many short rounds, on whatever machine it is. See
//! `docs/performance.md` for the bars and what was measured.

mod ask;
mod bare;
mod bars;
mod connection;
mod cpu;
mod deliveries;
mod load;
mod people;
mod process;
mod report;
mod rounds;
mod seed;
mod sides;
mod soak;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

/// Whatever ends the run, as text.
type Failure = Box<dyn Error + Send + Sync>;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures all bars, and writes the table.
    Run(bars::Options),
    /// Watches the service's memory under many connections.
    Soak(soak::Options),
    /// Fills a database whose tables are there.
    Seed(ask::SeedOptions),
    /// Asks a service that runs already on such a database.
    Ask(ask::Options),
    /// Serves the bare handlers.
    Bare(bare::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(options) => bars::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Seed(options) => ask::seed(&options),
        Command::Ask(options) => ask::run(&options),
        Command::Bare(options) => bare::serve(&options).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("driftstack-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}
