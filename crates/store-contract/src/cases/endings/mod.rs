//! The end of an account: `EndingStore` and `HoldingStore`.

mod deletion;
mod holdings;
mod own_key;
mod purge;
mod races;
mod restoration;
mod traces;

// A case is named by its concept, whichever file it lies in.
pub use self::{deletion::*, holdings::*, own_key::*, purge::*, races::*, restoration::*, traces::*};

use driftstack_domain::{
    access::Presented,
    account::AccountStatus,
    auth::SignInStore as _,
    ending::{GRACE, PurgeRound, SeenPurge},
    page::{Limit, PageRequest},
    policy::action::WhoAmI,
    testing::people,
};

use crate::{
    backend::Backend,
    world::{Person, World},
};

/// Somebody deletes their account, having proven that it is them.
async fn delete<B: Backend>(world: &World<B>, who: &Person) {
    world.prove(who).await;
    world.endings().delete(&world.permit(who).await).await.unwrap();
}

async fn grace_is_over<B: Backend>(world: &World<B>) -> PurgeRound {
    world.clock.advance(GRACE);
    world.purger().round(None).await.unwrap()
}

async fn status<B: Backend>(world: &World<B>, who: &Person) -> AccountStatus {
    world.store.seen_holder(who.id).await.unwrap().unwrap().status
}

async fn may<B: Backend>(world: &World<B>, shown: &Presented) -> bool {
    world.doorkeeper().admit::<WhoAmI>(shown, None).await.is_ok()
}

fn all() -> PageRequest {
    PageRequest { limit: Limit::new(100).unwrap(), after: None }
}

/// An account as it might have been seen when it was due.
async fn as_if_due<B: Backend>(world: &World<B>, who: &Person) -> SeenPurge {
    let seen = world.store.seen_holder(who.id).await.unwrap().unwrap();
    let purge_at = seen.purge_at.unwrap_or(people::NOW);
    SeenPurge { account: who.id, purge_at, email: seen.email, avatar: None, revision: seen.revision }
}
