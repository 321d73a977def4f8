//! Records that no honest use case would make.
//!
//! A record is sealed: only a use case makes one, from what a store has answered. Here the answer is made up, and the
//! record is kept instead of committed. So a case can ask a store to commit what was decided on a state that is over, with
//! revisions that are right: then only the store's own look at the row stands between.

mod account;
mod keys;
mod mfa;
mod sessions;
mod sign_in;
mod staff;
mod team;
mod webhooks;

pub use self::{account::*, keys::*, mfa::*, sessions::*, sign_in::*, staff::*, team::*, webhooks::*};

use std::sync::{Arc, Mutex};

use driftstack_domain::{change::CommitError, secret::LinkToken};

/// Holds the record that a mock was asked to commit.
struct Caught<T>(Arc<Mutex<Option<T>>>);

impl<T: Clone + Send + 'static> Caught<T> {
    fn nothing() -> Self {
        Self(Arc::default())
    }

    fn catch(&self) -> impl Fn(&T) -> Result<(), CommitError> + Send + 'static {
        let slot = self.0.clone();
        move |it| {
            *slot.lock().unwrap() = Some(it.clone());
            Ok(())
        }
    }

    fn take(&self) -> T {
        self.0.lock().unwrap().take().expect("the use case has committed something")
    }
}

fn any_token() -> LinkToken {
    LinkToken::parse(&"t".repeat(LinkToken::MIN_CHARS)).unwrap()
}
