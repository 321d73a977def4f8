//! The team that every account owns: the record that carries its name.

mod noun;
mod port;
mod rename;

pub use noun::Team;
#[cfg(feature = "testing")]
pub use port::MockTeamStore;
pub use port::TeamStore;
pub use rename::{RenameError, Renaming, Teams};
