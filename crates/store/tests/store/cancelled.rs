//! Whoever asks may go away at any moment, as a client that resets its connection does. What was begun is then there as a
//! whole, or not at all, and the store goes on.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use driftstack_domain::{account::AccountStore, auth::SignInStore, testing::people};
use driftstack_store_contract::{Backend, World};

use crate::backend::{SqliteFile, world};

/// Asks `future` so many times, then drops it.
async fn dropped_after<F: Future>(polls: u32, future: F) {
    let mut future = pin!(future);
    for _ in 0..polls {
        let over = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        if over {
            return;
        }
        tokio::time::sleep(Duration::from_micros(50)).await;
    }
}

async fn is_whole_or_absent(world: &World<SqliteFile>, address: &str) -> bool {
    let Some(seen) = world.store.seen_sign_in(&people::email(address)).await.unwrap() else { return false };
    assert!(world.store.own_account(seen.account).await.unwrap().is_some());
    assert_eq!(world.actions(seen.account).await, ["account.created"]);
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_commit_is_whole_or_absent() {
    let world = world().await;
    let before = world.backend.rows().await;
    let mut whole = 0;
    for n in 0..60 {
        let address = format!("guest{n}@example.com");
        let (sign_ups, password) = (world.sign_ups(), people::password());
        dropped_after(n % 6, sign_ups.sign_up(people::email(&address), &password, None)).await;
        // Behind it in the queue: once this is done, so is that, if it was ever begun.
        world.person(&format!("probe{n}")).await;
        whole += i64::from(is_whole_or_absent(&world, &address).await);
    }
    assert!((1..60).contains(&whole), "the futures were dropped too early or too late to say anything: {whole}");
    let grown = world.grown_since(&before).await;
    // A person is an account, a team, two entries and a session; a sign-up an account, a team, an entry, a link, a mail.
    assert_eq!((grown["accounts"], grown["teams"]), (60 + whole, 60 + whole));
    assert_eq!((grown["audit_entries"], grown["links"], grown["mails"]), (120 + whole, whole, whole));
}
