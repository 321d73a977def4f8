//! Signing up and signing in.

mod challenge;
mod change_email;
mod client;
mod entrance;
mod follow;
mod link;
mod log_in;
mod noun;
mod port;
mod sign_up;
mod step_up;
mod verify;

pub use challenge::{ChallengeAnswer, ChallengeError, SeenChallenge};
pub use change_email::{ChangeEmailError, ConfirmEmailError, EmailChange, EmailChanges, EmailWish};
pub use client::Client;
pub use entrance::{CHALLENGE_LIFE, Entered, Entrance, NewChallenge};
pub use follow::{AddressProof, LinkSignIn, PasswordReset, ResetError};
pub use link::{LinkClerk, LinkKind, LinkKindError, LinkRenewal, LinkRequest, NewLink, SeenLink};
pub use log_in::{LogInError, SignIn, SignIns};
pub use noun::{Password, PasswordError, PasswordHash, SeenSignIn};
pub use port::{LinkStore, SignInStore};
#[cfg(feature = "testing")]
pub use port::{MockLinkStore, MockSignInStore};
pub use sign_up::{Registration, SignUpError, SignUps};
pub use step_up::{Proven, StepUp, StepUpError, StepUps};
pub use verify::{Verification, VerifyError};
