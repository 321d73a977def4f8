//! The command line.

mod admin;
mod audit;
mod mail;
mod policy;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    config::Settings,
    http::{self, openapi},
    log, serve, wire,
};

#[derive(Debug, Parser)]
#[command(name = "driftstack", version, about = "Accounts, teams and RBAC as a service", after_help = SETTINGS_HELP)]
struct Arguments {
    /// A TOML file with settings; the environment wins.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

const SETTINGS_HELP: &str = "Settings are environment variables DRIFTSTACK_LISTEN, DRIFTSTACK_DATA_DIR and so on; \
docs/OPERATIONS.md lists them.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (the default).
    Serve {
        /// Bring the tables of a Postgres up to date first.
        #[arg(long)]
        migrate: bool,
    },
    /// Run the workers alone, for a deployment of several processes.
    Worker,
    /// Bring the database's schema up to date.
    Migrate,
    /// Act on accounts.
    #[command(subcommand)]
    Admin(admin::Command),
    /// Look at mails that could not be sent.
    #[command(subcommand)]
    Mail(mail::Command),
    /// Work with audit logs.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Print the policy table.
    Policy {
        #[arg(long, default_value = "table")]
        format: policy::Format,
    },
    /// Print the OpenAPI document.
    Openapi,
}

/// Why a command failed: one line.
type Failure = Box<dyn std::error::Error>;

/// Runs the command of this process.
pub async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "driftstack: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(arguments: Arguments) -> Result<(), Failure> {
    let settings = || Settings::load(arguments.config.as_deref());
    match arguments.command.unwrap_or(Command::Serve { migrate: false }) {
        Command::Serve { migrate } => {
            let mut settings = settings()?;
            settings.migrate |= migrate;
            let log = log::init(&settings)?;
            let served = serve::serve(&settings).await;
            log.end().await;
            Ok(served?)
        }
        Command::Worker => {
            let settings = settings()?;
            let log = log::init(&settings)?;
            let worked = serve::work(&settings).await;
            log.end().await;
            Ok(worked?)
        }
        Command::Migrate => {
            wire::open_store(&settings()?.database, true).await?.close().await;
            print("the schema is up to date")
        }
        Command::Admin(command) => admin::run(command, &settings()?).await,
        Command::Mail(command) => mail::run(command, &settings()?).await,
        Command::Audit(command) => audit::run(&command),
        Command::Policy { format } => print(&policy::text(format)),
        Command::Openapi => {
            let base = settings()?.problem_type_base;
            print(&serde_json::to_string_pretty(&openapi::document(&http::api(), &base))?)
        }
    }
}

/// A line on standard output.
fn print(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{text}")?)
}
