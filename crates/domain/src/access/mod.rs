//! Who is calling, and where.
//!
//! [`Doorkeeper::admit`] turns a presented credential and a wanted workspace into a [`Permit`] for one operation. Use cases
//! demand the permit, so no caller reaches one without having been asked.

mod admit;
mod caller;
mod port;

pub use admit::{AdmitError, Doorkeeper, Fee, Knock, NotAuthenticated};
pub use caller::{
    Access, Credential, Permit, Presented, SeenCaller, SeenCredential, SeenInOrganisation, SeenMinter, SeenWorkspace,
};
pub use port::CallerStore;
#[cfg(feature = "testing")]
pub use port::MockCallerStore;
