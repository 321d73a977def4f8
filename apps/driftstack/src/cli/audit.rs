//! `driftstack audit`

use std::{fs::File, io::BufReader, path::PathBuf};

use clap::Subcommand;
use driftstack_domain::audit::export::{self, Export};

use super::{Failure, print};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prove that nothing inside an export was changed, removed or reordered.
    Verify {
        /// A JSON export of an audit log.
        file: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Verify { file } = command;
    let name = file.display();
    let reader = File::open(file).map_err(|error| format!("{name}: {error}"))?;
    let export: Export = serde_json::from_reader(BufReader::new(reader))
        .map_err(|error| format!("{name}: not an audit export: {error}"))?;
    let (entries, withheld) = (export.data.len(), export.withheld());
    let head = export::verify(export).map_err(|broken| format!("{name}: broken: {broken}"))?;
    let withheld =
        if withheld == 0 { String::new() } else { format!("; {withheld} values about people are not shown") };
    print(&format!("{entries} entries, head {}{withheld}", head.hash))
}
