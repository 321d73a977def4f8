//! `driftstack admin`

use std::io::{self, BufRead};

use clap::{Subcommand, ValueEnum};
use driftstack_domain::{
    api_key::KeyOrder,
    auth::Password,
    change::{MaybeStale, again_if_stale},
    email::Email,
    name::Name,
    policy::Scope,
    tier::{Plan, Tier},
    time::Timestamp,
};

use super::{Failure, print};
use crate::{
    config::Settings,
    wire::{self, Services},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a verified account; the password is read from standard input.
    CreateAccount {
        #[arg(long)]
        email: Email,
        #[arg(long)]
        name: Option<Name>,
        #[arg(long, default_value = "free")]
        tier: Tier,
        /// The account is staff.
        #[arg(long)]
        staff: bool,
    },
    /// Give an account another tier.
    SetTier { email: Email, tier: Tier },
    /// Give the team of an account another plan.
    SetPlan { email: Email, plan: Plan },
    /// Make an account staff, or end that.
    SetStaff { email: Email, staff: Switch },
    /// Mint an API key on an account and print it, once.
    #[command(override_usage = "driftstack admin mint-key [OPTIONS] <EMAIL> --scope <SCOPES>...")]
    MintKey {
        email: Email,
        #[arg(long = "scope", required = true, num_args = 1..)]
        scopes: Vec<Scope>,
        #[arg(long, default_value = "minted by the operator")]
        name: Name,
        /// An RFC 3339 time; never without it.
        #[arg(long)]
        expires_at: Option<Timestamp>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

pub(super) async fn run(command: Command, settings: &Settings) -> Result<(), Failure> {
    let password = match &command {
        Command::CreateAccount { .. } => Some(read_password()?),
        _ => None,
    };
    let store = wire::open_store(&settings.database, settings.migrate).await?;
    let services = store.services(wire::parts(settings, settings.listen).await?, settings);
    let done = act(command, password, &services).await;
    store.close().await;
    done
}

async fn act(command: Command, password: Option<Password>, services: &Services) -> Result<(), Failure> {
    let operator = &services.operator;
    match command {
        Command::CreateAccount { email, name, tier, staff } => {
            let password = password.ok_or("a password is needed on standard input")?;
            print(&services.sign_ups.create(email, &password, name, tier, staff).await?.to_string())
        }
        Command::SetTier { email, tier } => Ok(again(async || operator.set_tier(&email, tier).await).await?),
        Command::SetPlan { email, plan } => Ok(again(async || operator.set_plan(&email, plan).await).await?),
        Command::SetStaff { email, staff } => {
            let staff = matches!(staff, Switch::On);
            Ok(again(async || operator.set_staff(&email, staff).await).await?)
        }
        Command::MintKey { email, scopes, name, expires_at } => {
            let order = KeyOrder { name, scopes: scopes.into_iter().collect(), expires_at };
            let secret = again(async || operator.mint_key(&email, order.clone()).await).await?;
            print(secret.expose())
        }
    }
}

async fn again<T, E: MaybeStale>(act: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
    again_if_stale(act, async |_| tokio::task::yield_now().await).await
}

fn read_password() -> Result<Password, Failure> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let text = line.trim_end_matches(['\r', '\n']).to_owned();
    Ok(Password::try_from(text)?)
}
