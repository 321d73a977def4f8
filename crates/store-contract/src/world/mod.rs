//! The service without HTTP: the use cases over one store, and people who call them.

mod acts;
mod calls;
mod looks;
mod person;
mod post;
mod services;

pub use self::{
    acts::order,
    calls::{Attempt, pause, race},
    looks::rows,
    person::{Authenticator, Person, agent, client, password, presented},
};

use std::{fmt::Debug, sync::Arc};

use driftstack_domain::{
    desk::Desk,
    testing::{Counted, GlassVault, people},
    time::{Clock as _, Timestamp},
};

use crate::{
    backend::Backend,
    fakes::{Letterbox, MovableClock, Shelf},
};

/// One store, and everything that works on it.
pub struct World<B: Backend> {
    pub backend: B,
    pub store: Arc<B::Store>,
    pub clock: Arc<MovableClock>,
    pub desk: Desk,
    pub shelf: Arc<Shelf>,
    letterbox: Arc<Letterbox>,
}

impl<B: Backend> Debug for World<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

impl<B: Backend> World<B> {
    pub fn new(backend: B) -> Arc<Self> {
        let clock = Arc::new(MovableClock::at(people::NOW));
        let desk = Desk {
            clock: clock.clone(),
            ids: Arc::new(Counted::default()),
            secrets: Arc::new(Counted::default()),
            vault: Arc::new(GlassVault),
        };
        Arc::new(Self {
            store: backend.store(),
            backend,
            clock,
            desk,
            shelf: Arc::default(),
            letterbox: Arc::default(),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
