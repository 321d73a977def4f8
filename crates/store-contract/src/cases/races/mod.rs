//! What happens when many want the same thing at once.
//!
//! Each runner has a thread of its own and calls as the HTTP layer does: it is asked at the door again before it tries again.

mod factors;
mod once;
mod staff;
mod staleness;
mod teams;

// A case is named by its concept, whichever file it lies in.
pub use self::{factors::*, once::*, staff::*, staleness::*, teams::*};

use driftstack_domain::account::{Edit, ProfileEdit};

fn wins<T, E>(outcomes: &[Result<T, E>]) -> usize {
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

fn slug(text: &str) -> ProfileEdit {
    ProfileEdit { slug: Edit::Set(text.parse().unwrap()), ..ProfileEdit::default() }
}
