//! `Outbox`.

use std::{collections::HashSet, time::Duration};

use driftstack_domain::{
    account::{AccountStore as _, Edit, ProfileEdit},
    mail::{ClaimedMail, MailKind, Outbox as _, OutboxDepth},
    policy::Role,
    testing::people,
    time::{HOUR, MINUTE},
};
use tokio::time::timeout;

use crate::{
    backend::Backend,
    world::{Person, World},
};

/// Somebody, and so many mails that are due.
async fn with_mails<B: Backend>(backend: B, mails: usize) -> (std::sync::Arc<World<B>>, Person) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for n in 0..mails {
        let guest = people::email(&format!("guest{n}@example.com"));
        world.invites().invite(&world.permit(&olive).await, guest, Role::Member).await.unwrap();
    }
    (world, olive)
}

async fn claim<B: Backend>(world: &World<B>, limit: u16) -> Vec<ClaimedMail> {
    world.store.claim(world.now(), world.now().plus(MINUTE), limit).await.unwrap()
}

pub async fn mails_are_claimed_by_one_alone<B: Backend>(backend: B) {
    let (world, _) = with_mails(backend, 5).await;
    let (first, second, third) = (claim(&world, 2).await, claim(&world, 9).await, claim(&world, 9).await);
    assert_eq!((first.len(), second.len(), third.len()), (2, 3, 0));
    let claimed: Vec<_> = first.iter().chain(&second).collect();
    assert_eq!(claimed.iter().map(|it| it.mail.id).collect::<HashSet<_>>().len(), 5);
    assert!(claimed.iter().all(|it| it.attempt == 1));
    let guest = &first[0].mail;
    assert_eq!(
        (guest.to.as_str(), guest.content.kind(), guest.at),
        ("guest0@example.com", MailKind::TeamInvite, world.now())
    );
    assert!(guest.token.is_some());
}

pub async fn a_lease_that_ran_out_can_be_claimed_again<B: Backend>(backend: B) {
    let (world, _) = with_mails(backend, 1).await;
    let first = claim(&world, 1).await.remove(0);
    world.clock.advance(MINUTE / 2);
    assert!(claim(&world, 1).await.is_empty());
    world.clock.advance(MINUTE);
    let second = claim(&world, 1).await.remove(0);
    assert_eq!(second.mail, first.mail);
    assert_eq!(second.attempt, 2);
}

pub async fn a_sent_mail_is_never_claimed_again_and_its_token_is_forgotten<B: Backend>(backend: B) {
    let (world, _) = with_mails(backend, 2).await;
    assert_eq!(world.backend.sealed_tokens().await, 2);
    let sent = claim(&world, 1).await.remove(0);
    world.store.mark_sent(sent.mail.id, world.now()).await.unwrap();
    assert_eq!(world.backend.sealed_tokens().await, 1, "the other one's is still needed");
    world.clock.advance(HOUR);
    let left = claim(&world, 9).await;
    assert!(left.len() == 1 && left[0].mail.id != sent.mail.id);
}

pub async fn a_failed_mail_is_due_at_its_time_and_a_dead_one_never<B: Backend>(backend: B) {
    let (world, _) = with_mails(backend, 2).await;
    let claimed = claim(&world, 2).await;
    let retry_at = world.now().plus(HOUR);
    world.store.mark_failed(claimed[0].mail.id, Some(retry_at), "try later").await.unwrap();
    world.store.mark_failed(claimed[1].mail.id, None, "no such mailbox").await.unwrap();
    world.clock.advance(HOUR / 2);
    assert!(claim(&world, 9).await.is_empty());
    world.clock.advance(HOUR / 2);
    let again = claim(&world, 9).await;
    assert_eq!(again.iter().map(|it| (it.mail.id, it.attempt)).collect::<Vec<_>>(), [(claimed[0].mail.id, 2)]);
}

pub async fn what_was_sent_cannot_fail_afterwards<B: Backend>(backend: B) {
    let (world, _) = with_mails(backend, 1).await;
    let mail = claim(&world, 1).await.remove(0).mail.id;
    world.store.mark_sent(mail, world.now()).await.unwrap();
    world.store.mark_failed(mail, Some(world.now()), "somebody slower").await.unwrap();
    assert!(claim(&world, 1).await.is_empty());
}

pub async fn a_commit_with_a_mail_wakes_the_postman<B: Backend>(backend: B) {
    let (world, olive) = with_mails(backend, 1).await;
    world.store.written().await;
    world.invites().invite(&world.permit(&olive).await, people::email("bo@example.com"), Role::Member).await.unwrap();
    assert!(timeout(Duration::from_millis(500), world.store.written()).await.is_ok());
    // Without a commit it still looks about once in a while, for what has become due.
    assert!(timeout(Duration::from_secs(5), world.store.written()).await.is_ok());
}

pub async fn a_refused_commit_leaves_no_mail<B: Backend>(backend: B) {
    let (world, olive) = with_mails(backend, 0).await;
    let old = world.permit(&olive).await;
    let edit = ProfileEdit { name: Edit::Set(people::name("O.")), ..ProfileEdit::default() };
    world.accounts().edit(&world.permit(&olive).await, edit).await.unwrap();
    let refused = world.invites().invite(&old, people::email("ada@example.com"), Role::Member).await;
    assert!(refused.is_err());
    assert!(claim(&world, 9).await.is_empty());
    assert!(world.store.own_account(olive.id).await.unwrap().is_some());
}

pub async fn a_dead_mail_is_listed_and_may_be_requeued<B: Backend>(backend: B) {
    let (world, _) = with_mails(backend, 2).await;
    let claimed = claim(&world, 1).await.remove(0);
    world.store.mark_failed(claimed.mail.id, None, "no such mailbox").await.unwrap();
    assert_eq!(world.store.depth().await.unwrap(), OutboxDepth { waiting: 1, dead: 1 });
    let dead = world.store.dead(9).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].id, dead[0].attempts, dead[0].problem.as_str()), (claimed.mail.id, 1, "no such mailbox"));

    assert!(world.store.requeue(claimed.mail.id, world.now()).await.unwrap());
    assert!(!world.store.requeue(claimed.mail.id, world.now()).await.unwrap(), "it is not dead any more");
    assert_eq!(world.store.depth().await.unwrap(), OutboxDepth { waiting: 2, dead: 0 });
    let again = claim(&world, 9).await.into_iter().find(|it| it.mail.id == claimed.mail.id).unwrap();
    assert_eq!((again.attempt, again.mail.token), (1, claimed.mail.token), "all attempts and the link are before it");
}
