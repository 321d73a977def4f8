//! The bars, and whether they were passed.

use std::{path::PathBuf, time::Duration};

use crate::{
    Failure, cpu, deliveries,
    load::Load,
    report::{self, Line},
    rounds::{Plan, Rounds, Turn},
    sides::{Ask, Listened, Sides},
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
    /// A look in a minute: few accounts, short rounds, nothing written.
    #[arg(long)]
    quick: bool,
    /// A look at one engine alone.
    #[arg(long, requires = "quick")]
    only: Option<Engine>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Engine {
    Postgres,
    Sqlite,
}

impl Options {
    fn accounts(&self) -> u32 {
        if self.quick { 10_000 } else { 100_000 }
    }

    fn wants(&self, engine: Engine) -> bool {
        self.only.is_none_or(|only| only == engine)
    }

    fn plan(&self) -> Plan {
        let (rounds, millis) = if self.quick { (5, 400) } else { (12, 1000) };
        Plan { rounds, length: Duration::from_millis(millis) }
    }
}

/// Times the processor time of the bare handler. A miss fails the run; the other bars depend on the neighbours too.
const READ_CPU: f64 = 1.3;
const WRITE_CPU: f64 = 1.5;
/// Times the processor time of the same request where nobody uses the rest of the account page.
const PAGE_CPU: f64 = 1.03;
/// Of the throughput of the bare handler, at the least.
const THROUGHPUT: f64 = 0.7;
/// The same, of sessions that 32 connections begin on one account.
const CONTENDED: f64 = 0.5;
/// Times the p99 of the bare handler.
const P99: f64 = 2.0;
const MEMORY_MIB: f64 = 80.0;
const DELIVERED_WITHIN: f64 = 5.0;
const CONNECTIONS: usize = 200;

/// Answers whether all bars of the processor were passed.
pub fn run(options: &Options) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let lines = runtime.block_on(both(options))?;
    let table = report::table(&lines);
    report::print(&table)?;
    if !options.quick {
        report::write(&options.table, "bench", &table)?;
    }
    Ok(lines.iter().all(|line| line.passed() || !line.must))
}

async fn both(options: &Options) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    if options.wants(Engine::Postgres) {
        let sides = Sides::postgres(&options.service, &options.postgres, options.accounts()).await?;
        lines.extend(engine("Postgres", sides, options).await?);
    }
    if options.wants(Engine::Sqlite) {
        let sides = Sides::sqlite(&options.service, options.accounts())?;
        lines.extend(engine("SQLite", sides, options).await?);
    }
    Ok(lines)
}

async fn engine(name: &'static str, sides: Sides, options: &Options) -> Result<Vec<Line>, Failure> {
    let plan = options.plan();
    sides.agree().await?;
    let read = [sides.bare(Ask::Me), sides.service(Ask::Me), sides.bare(Ask::Key)];
    let rounds = Rounds::take(&read, plan).await?;
    let mut lines = compared(&format!("{name}, read"), &rounds, READ_CPU);
    lines.push(Line::free(
        format!("{name}, read: CPU beside a bare handler of one query"),
        rounds.ratio(1, 2, cpu_time),
    ));
    lines.push(memory(name, &sides).await?);

    lines.extend(page(name, &sides, options).await?);

    let write = [sides.bare(Ask::Rename), sides.service(Ask::Rename)];
    lines.extend(compared(&format!("{name}, write"), &Rounds::take(&write, plan).await?, WRITE_CPU));

    let begin = [sides.bare(Ask::Begin), sides.service(Ask::Begin)];
    let rounds = Rounds::take(&begin, plan).await?;
    lines.push(Line::at_least(
        format!("{name}, sessions of one account: throughput beside a locked insert"),
        CONTENDED,
        rounds.ratio(1, 0, |turn| turn.per_second),
    ));

    let took = deliveries::take(&sides.end(), &options.service).await?;
    let what = format!("{name}: seconds until {} waiting events have reached a fast receiver", deliveries::EVENTS);
    lines.push(Line::at_most(what, DELIVERED_WITHIN, took.as_secs_f64()));
    Ok(lines)
}

/// What the rest of the account page costs those who read their account: when others use it, and when they do themselves.
async fn page(name: &str, sides: &Sides, options: &Options) -> Result<[Line; 2], Failure> {
    let Listened { plain, furnished, others } = sides.listened(&options.service).await?;
    let Plan { rounds, length } = options.plan();
    let plan = Plan { rounds: rounds / 2 + 1, length };
    let rounds = Rounds::take(&[sides.service(Ask::Me), plain, furnished], plan).await?;
    drop(others);
    let cpu = |side| rounds.ratio(side, 0, cpu_time);
    let what = format!("{name}, read beside idle streams and accounts with all that there is: CPU");
    let own = format!("{name}, read by an account with all that there is: CPU beside one without");
    Ok([Line::at_most(what, PAGE_CPU, cpu(1)), Line::free(own, cpu(2))])
}

/// The service, which is the second side, beside the first.
fn compared(what: &str, rounds: &Rounds, cpu: f64) -> Vec<Line> {
    let micros = |side| {
        let figure = |figure: fn(&Turn) -> Duration| rounds.figure(side, |turn| figure(turn).as_secs_f64() * 1e6);
        format!("{:.0} + {:.0}", figure(|turn| turn.cpu.server), figure(|turn| turn.cpu.database))
    };
    eprintln!("{what}: CPU of server + database in µs: {}, the bare handler {}", micros(1), micros(0));
    vec![
        Line::at_most(format!("{what}: CPU"), cpu, rounds.ratio(1, 0, cpu_time)).must(),
        Line::at_least(format!("{what}: throughput"), THROUGHPUT, rounds.ratio(1, 0, |turn| turn.per_second)),
        Line::at_most(format!("{what}: p99"), P99, rounds.ratio(1, 0, |turn| turn.p99.as_secs_f64())),
    ]
}

fn cpu_time(turn: &Turn) -> f64 {
    turn.cpu.total()
}

async fn memory(name: &str, sides: &Sides) -> Result<Line, Failure> {
    let load =
        Load { connections: CONNECTIONS, think: Some(Duration::from_millis(100)), length: Duration::from_secs(3) };
    load.put_on(&sides.service(Ask::Me).target, || ()).await?;
    let mib = cpu::resident_mib(sides.service.pid())?;
    Ok(Line::at_most(format!("{name}: resident MiB at {CONNECTIONS} connections"), MEMORY_MIB, mib))
}
