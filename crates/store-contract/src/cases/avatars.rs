//! `AvatarStore`.

use std::collections::HashSet;

use driftstack_domain::{
    access::Permit,
    account::AccountStore as _,
    avatar::{AvatarKey, AvatarStore as _, SWEEP_GRACE, SweepRound},
    change::MaybeStale as _,
    policy::action::UploadAvatar,
    time::{HOUR, MINUTE},
};

use crate::{
    backend::Backend,
    world::{Person, World, race, rows},
};

/// What the account points at, by each of the two reads.
async fn worn<B: Backend>(world: &World<B>, who: &Person) -> Option<AvatarKey> {
    let own = world.store.own_account(who.id).await.unwrap().unwrap().account.avatar;
    assert_eq!(world.store.seen_avatar(who.id).await.unwrap(), own);
    own
}

async fn claim<B: Backend>(world: &World<B>) -> Vec<AvatarKey> {
    world.store.claim_unworn(world.now(), world.now().plus(HOUR), 100).await.unwrap()
}

/// Sweeps until nothing is due.
async fn sweep<B: Backend>(world: &World<B>) -> u32 {
    let mut removed = 0;
    loop {
        let round = world.sweeper().round().await.unwrap();
        assert_eq!(round.failed, 0);
        if round.removed == 0 {
            return removed;
        }
        removed += round.removed;
    }
}

pub async fn a_picture_is_worn<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let before = world.backend.rows().await;
    let key = world.wear(&olive).await;
    assert_eq!((worn(&world, &olive).await, worn(&world, &bo).await), (Some(key), None));
    assert_eq!(world.grown_since(&before).await, rows([("avatars", 1), ("audit_entries", 1)]));
    assert_eq!(world.actions(olive.id).await.pop().unwrap(), "account.avatar_updated");
}

pub async fn a_picture_is_due_when_another_takes_its_place<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let (first, second) = (world.wear(&olive).await, world.wear(&olive).await);
    assert_eq!(worn(&world, &olive).await, Some(second));
    world.clock.advance(SWEEP_GRACE.saturating_sub(MINUTE));
    assert!(claim(&world).await.is_empty(), "its last URL still works");
    world.clock.advance(MINUTE);
    assert_eq!(claim(&world).await, [first]);
}

pub async fn a_removed_picture_is_due<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let key = world.wear(&olive).await;
    for _ in 0..2 {
        world.avatars().remove(&world.permit(&olive).await).await.unwrap();
    }
    assert_eq!(worn(&world, &olive).await, None);
    let removals = world.actions(olive.id).await.into_iter().filter(|action| action == "account.avatar_removed");
    assert_eq!(removals.count(), 1);
    assert!(claim(&world).await.is_empty() && world.shelf.keys() == [key]);
    world.clock.advance(SWEEP_GRACE);
    assert_eq!((sweep(&world).await, world.shelf.keys().len()), (1, 0));
}

/// As after a crash between the upload and the commit, or one in the middle of the upload.
pub async fn an_upload_that_nobody_wears_is_due<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let before = world.backend.rows().await;
    let orphan = world.upload(&olive).await.key();
    world.clock.advance(SWEEP_GRACE.saturating_sub(MINUTE));
    assert_eq!((sweep(&world).await, world.shelf.keys()), (0, vec![orphan]));
    world.clock.advance(MINUTE);
    assert_eq!((sweep(&world).await, world.shelf.keys()), (1, vec![]));
    assert_eq!(world.backend.rows().await, before, "its row is gone too");
}

pub async fn a_worn_picture_is_never_due<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let key = world.wear(&olive).await;
    world.clock.advance(SWEEP_GRACE * 10_000);
    assert_eq!((sweep(&world).await, worn(&world, &olive).await), (0, Some(key)));
}

pub async fn what_was_claimed_is_nobodys_any_more<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let key = world.wear(&olive).await;
    let slow = world.upload(&olive).await;
    world.clock.advance(SWEEP_GRACE);
    assert_eq!(claim(&world).await, [slow.key()]);
    let before = world.backend.rows().await;
    let late = world.avatars().wear(&world.permit(&olive).await, &slow).await;
    assert!(late.unwrap_err().is_stale());
    assert_eq!(world.backend.rows().await, before);
    assert_eq!(worn(&world, &olive).await, Some(key));
    world.log(olive.id).await;
}

pub async fn a_picture_of_another_account_cannot_be_worn<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (world.person("olive").await, world.person("bo").await);
    let bos = world.upload(&bo).await;
    let stolen = world.avatars().wear(&world.permit(&olive).await, &bos).await;
    assert!(stolen.unwrap_err().is_stale());
    world.avatars().wear(&world.permit(&bo).await, &bos).await.unwrap();
    let again = world.avatars().wear(&world.permit(&bo).await, &bos).await;
    assert!(again.unwrap_err().is_stale(), "it is worn already");
    assert_eq!((worn(&world, &olive).await, worn(&world, &bo).await), (None, Some(bos.key())));
}

pub async fn what_was_not_claimed_is_not_forgotten<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let (key, orphan) = (world.wear(&olive).await, world.upload(&olive).await.key());
    let before = world.backend.rows().await;
    for key in [key, orphan] {
        world.store.forget_picture(key).await.unwrap();
    }
    assert_eq!(world.backend.rows().await, before);
}

pub async fn a_sweep_that_failed_is_made_again<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    world.upload(&olive).await;
    world.clock.advance(SWEEP_GRACE);
    world.shelf.lock(true);
    assert_eq!(world.sweeper().round().await.unwrap(), SweepRound { removed: 0, failed: 1 });
    world.shelf.lock(false);
    assert_eq!(world.sweeper().round().await.unwrap(), SweepRound::default(), "leased");
    world.clock.advance(HOUR);
    assert_eq!((sweep(&world).await, world.shelf.keys().len()), (1, 0));
}

pub async fn of_two_uploads_at_once_one_is_worn<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    let upload = async |_| {
        let uploaded = world.upload(&olive).await;
        let wear = async |permit: Permit<UploadAvatar>| world.avatars().wear(&permit, &uploaded).await;
        world.call(olive.presented, None, wear).await.unwrap();
        uploaded.key()
    };
    let keys = race(8, upload).await;
    let last = worn(&world, &olive).await.unwrap();
    assert!(keys.contains(&last));
    world.clock.advance(SWEEP_GRACE);
    assert_eq!((sweep(&world).await, world.shelf.keys()), (7, vec![last]));
    assert_eq!(world.log(olive.id).await.len(), 2 + 8);
}

pub async fn of_a_sweep_and_a_change_one_comes_first<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for _ in 0..8 {
        let late = world.upload(&olive).await;
        world.clock.advance(SWEEP_GRACE);
        let permit: Permit<UploadAvatar> = world.permit(&olive).await;
        let either = async |n| match n {
            0 => world.avatars().wear(&permit, &late).await.is_ok(),
            _ => claim(&world).await.contains(&late.key()),
        };
        let outcomes = race(2, either).await;
        assert_eq!(outcomes.iter().filter(|won| **won).count(), 1, "{outcomes:?}");
        assert_eq!(worn(&world, &olive).await == Some(late.key()), outcomes[0]);
    }
}

pub async fn two_sweepers_share_no_picture<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = world.person("olive").await;
    for _ in 0..12 {
        world.upload(&olive).await;
    }
    world.clock.advance(SWEEP_GRACE);
    let (now, until) = (world.now(), world.now().plus(HOUR));
    let claim = async || {
        let mut mine = Vec::new();
        loop {
            let claimed = world.store.claim_unworn(now, until, 2).await.unwrap();
            if claimed.is_empty() {
                return mine;
            }
            mine.extend(claimed);
        }
    };
    let claimed = race(4, |_| claim()).await.concat();
    assert_eq!(claimed.len(), 12);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 12);
}
