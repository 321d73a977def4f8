//! `driftstack mail`

use clap::Subcommand;
use driftstack_domain::id::MailId;

use super::{Failure, print};
use crate::{
    config::Settings,
    wire::{self, Services},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the mails that will not be tried again, newest first: id, kind, address, attempts, and what went wrong.
    Dead,
    /// Make dead mails due again, by their ids, or all of them.
    Requeue {
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<MailId>,
        #[arg(long)]
        all: bool,
    },
}

/// Dead mails that are read at a time.
const CHUNK: u16 = 1000;

pub(super) async fn run(command: Command, settings: &Settings) -> Result<(), Failure> {
    let store = wire::open_store(&settings.database, settings.migrate).await?;
    let services = store.services(wire::parts(settings, settings.listen).await?, settings);
    let done = act(command, &services).await;
    store.close().await;
    done
}

async fn act(command: Command, services: &Services) -> Result<(), Failure> {
    match command {
        Command::Dead => {
            for mail in services.outbox.dead(CHUNK).await? {
                let kind = mail.content.kind();
                print(&format!("{} {kind} {} {} attempts: {}", mail.id, mail.to, mail.attempts, mail.problem))?;
            }
            Ok(())
        }
        Command::Requeue { all: true, .. } => loop {
            let dead = services.outbox.dead(CHUNK).await?;
            if dead.is_empty() {
                return Ok(());
            }
            requeue(services, dead.into_iter().map(|mail| mail.id)).await?;
        },
        Command::Requeue { ids, all: false } => requeue(services, ids).await,
    }
}

async fn requeue(services: &Services, ids: impl IntoIterator<Item = MailId>) -> Result<(), Failure> {
    for id in ids {
        if !services.outbox.requeue(id, services.clock.now()).await? {
            return Err(format!("{id}: no such dead mail").into());
        }
        print(&format!("{id} is due again"))?;
    }
    Ok(())
}
