//! Signing up and signing in.

mod link;
mod log_in;
mod noun;
mod port;
mod sign_up;
mod verify;

pub use link::{LinkClerk, LinkRenewal, LinkRequest, NewLink, SeenLink, VERIFICATION_LIFE};
pub use log_in::{LogInError, SignIn, SignIns};
pub use noun::{Password, PasswordError, PasswordHash, SeenSignIn};
pub use port::{LinkStore, SignInStore};
#[cfg(feature = "testing")]
pub use port::{MockLinkStore, MockSignInStore};
pub use sign_up::{Registration, SignUpError, SignUps};
pub use verify::{Verification, VerifyError};
