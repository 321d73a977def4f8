//! How people call: at the door first, and again where somebody was faster.

use std::{fmt::Debug, future::Future, sync::Barrier, thread, time::Duration};

use driftstack_domain::{
    access::{AdmitError, Credential, Permit, Presented},
    change::{MaybeStale, again_if_stale},
    id::AccountId,
    policy::Operation,
};
use tokio::{runtime::Handle, task::block_in_place};

use super::{Person, World};
use crate::backend::Backend;

/// Why a call came to nothing: at the door, or behind it.
#[derive(Debug)]
pub enum Attempt<E> {
    Door(AdmitError),
    Use(E),
}

impl<E: MaybeStale> MaybeStale for Attempt<E> {
    fn is_stale(&self) -> bool {
        match self {
            Self::Door(error) => error.is_stale(),
            Self::Use(error) => error.is_stale(),
        }
    }
}

impl<B: Backend> World<B> {
    /// May this person do that, on their own account?
    pub async fn permit<A: Operation>(&self, by: &Person) -> Permit<A> {
        self.doorkeeper().admit(&by.presented, None).await.unwrap()
    }

    /// May this person do that, on the account of `owner`?
    pub async fn permit_on<A: Operation>(&self, by: &Person, owner: &Person) -> Permit<A> {
        self.doorkeeper().admit(&by.presented, Some(owner.id)).await.unwrap()
    }

    /// Calls as the HTTP layer does: whoever was stale is asked at the door again.
    pub async fn call<A: Operation, T, E: MaybeStale>(
        &self,
        by: Presented,
        wanted: Option<AccountId>,
        operation: impl AsyncFn(Permit<A>) -> Result<T, E>,
    ) -> Result<T, Attempt<E>> {
        let attempt = async || {
            let permit = self.doorkeeper().admit::<A>(&by, wanted).await.map_err(Attempt::Door)?;
            operation(permit).await.map_err(Attempt::Use)
        };
        again_if_stale(attempt, pause).await
    }

    pub async fn touch(&self, credential: Credential) {
        self.doorkeeper().touch(credential).await.unwrap();
    }
}

/// Lets `runners` run at once, each on a thread of its own, and answers with what became of them in their order.
pub async fn race<T, F>(runners: usize, run: impl Fn(usize) -> F + Sync) -> Vec<T>
where
    T: Send,
    F: Future<Output = T>,
{
    let (runtime, start, run) = (&Handle::current(), &Barrier::new(runners), &run);
    let on_a_thread = |n| {
        move || {
            start.wait();
            runtime.block_on(run(n))
        }
    };
    block_in_place(|| {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..runners).map(|n| scope.spawn(on_a_thread(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    })
}

/// Longer each time, and not the same for two who were stale together.
pub async fn pause(tries: u32) {
    let jitter = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_micros() % 7);
    tokio::time::sleep(Duration::from_millis(u64::from(tries * 2 + jitter))).await;
}
