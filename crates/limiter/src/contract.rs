//! The suite that every limiter passes.
//!
//! A backend says how to start a limiter with no tokens spent and how to let time pass; `limiter_contract!(ItsBackend)` expands
//! one test for each case, under the same names everywhere. The crate that expands it needs tokio with `macros` and
//! `rt-multi-thread` among its dev-dependencies.

#![allow(clippy::missing_panics_doc, reason = "a case that fails panics, as a test does")]

use std::{sync::Arc, time::Duration};

use driftstack_domain::{
    limit::{Bucket, LimitKey, Limiter, Quota},
    secret::Digest,
    testing::people::{ADA, OLIVE},
};

/// A limiter under test.
pub trait Backend: Sized + Send + Sync {
    /// A limiter that nobody has charged yet, not even another case that runs at the same time.
    fn start() -> impl Future<Output = Self> + Send;

    fn limiter(&self) -> Arc<dyn Limiter>;

    /// Lets the limiter's clock move on by this much. Where the clock is real, it waits.
    fn pass(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// How much the clock may move on by itself between a few charges: zero where it stands still.
    fn slack(&self) -> Duration {
        Duration::ZERO
    }
}

/// Expands the suite for a [`Backend`].
#[macro_export]
macro_rules! limiter_contract {
    ($backend:ty) => {
        $crate::limiter_contract!(@cases $backend:
            a_fresh_key_takes_its_capacity_at_once
            an_empty_bucket_refuses_until_the_next_token
            one_token_comes_back_after_an_interval
            a_full_bucket_does_not_overflow
            a_refused_charge_does_not_push_the_bucket_out
            keys_do_not_share_tokens
            buckets_of_an_account_do_not_share_tokens
            quotas_of_one_key_are_counted_apart
            the_numbers_are_right_at_whole_tokens
            the_numbers_are_right_between_tokens
            chargers_at_once_never_get_more_than_the_capacity
            absurd_quotas_are_counted
        );
    };
    (@cases $backend:ty: $($case:ident)+) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $case() {
            $crate::contract::$case::<$backend>().await;
        }
    )+ };
}

/// The interval of the cases in which time passes: short, for those who really wait.
const SECOND: Duration = Duration::from_secs(1);
/// The interval of the cases in which no token comes back.
const HOUR: Duration = Duration::from_hours(1);

const KEY: LimitKey = LimitKey::Account(OLIVE, Bucket::Global);

/// So many tokens, and one more in each interval.
const fn one_in(interval: Duration, capacity: u32) -> Quota {
    Quota::new(capacity, 1, interval)
}

async fn empty(limiter: &dyn Limiter, quota: Quota) {
    for _ in 0..quota.capacity() {
        assert!(limiter.charge(KEY, quota).await.allowed);
    }
}

/// Up to the slack too short, since time may have passed, and up to `coarse` too long.
fn assert_about(backend: &impl Backend, told: Duration, exact: Duration, coarse: Duration) {
    let (least, most) = (exact.saturating_sub(backend.slack()), exact + coarse);
    assert!((least..=most).contains(&told), "{told:?} is not between {least:?} and {most:?}");
}

pub async fn a_fresh_key_takes_its_capacity_at_once<B: Backend>() {
    let limiter = B::start().await.limiter();
    let quota = one_in(HOUR, 5);
    for left in [4, 3, 2, 1, 0] {
        let verdict = limiter.charge(KEY, quota).await;
        assert_eq!((verdict.allowed, verdict.remaining, verdict.retry_after), (true, left, Duration::ZERO));
    }
    let verdict = limiter.charge(KEY, quota).await;
    assert_eq!((verdict.allowed, verdict.remaining), (false, 0));
}

pub async fn an_empty_bucket_refuses_until_the_next_token<B: Backend>() {
    let backend = B::start().await;
    let (limiter, quota) = (backend.limiter(), one_in(2 * SECOND, 3));
    empty(&*limiter, quota).await;
    let refused = limiter.charge(KEY, quota).await;
    assert_about(&backend, refused.retry_after, 2 * SECOND, Duration::ZERO);
    backend.pass(SECOND).await;
    let refused = limiter.charge(KEY, quota).await;
    assert!(!refused.allowed);
    assert_about(&backend, refused.retry_after, SECOND, Duration::ZERO);
    backend.pass(refused.retry_after).await;
    assert!(limiter.charge(KEY, quota).await.allowed);
}

pub async fn one_token_comes_back_after_an_interval<B: Backend>() {
    let backend = B::start().await;
    let (limiter, quota) = (backend.limiter(), one_in(SECOND, 3));
    empty(&*limiter, quota).await;
    backend.pass(SECOND).await;
    assert!(limiter.charge(KEY, quota).await.allowed);
    assert!(!limiter.charge(KEY, quota).await.allowed);
}

pub async fn a_full_bucket_does_not_overflow<B: Backend>() {
    let backend = B::start().await;
    let (limiter, quota) = (backend.limiter(), one_in(SECOND, 2));
    assert!(limiter.charge(KEY, quota).await.allowed);
    backend.pass(4 * SECOND).await;
    empty(&*limiter, quota).await;
    assert!(!limiter.charge(KEY, quota).await.allowed);
}

pub async fn a_refused_charge_does_not_push_the_bucket_out<B: Backend>() {
    let backend = B::start().await;
    let (limiter, quota) = (backend.limiter(), one_in(SECOND, 2));
    empty(&*limiter, quota).await;
    for _ in 0..50 {
        assert!(!limiter.charge(KEY, quota).await.allowed);
    }
    backend.pass(SECOND).await;
    assert!(limiter.charge(KEY, quota).await.allowed);
}

pub async fn keys_do_not_share_tokens<B: Backend>() {
    let limiter = B::start().await.limiter();
    let quota = one_in(HOUR, 1);
    let anonymous = |text| LimitKey::Anonymous(Digest::of(text));
    let account = LimitKey::Account(ADA, Bucket::Global);
    let organisation = LimitKey::Organisation(OLIVE);
    let keys = [KEY, account, organisation, anonymous("192.0.2.1"), anonymous("192.0.2.2")];
    for key in keys {
        assert!(limiter.charge(key, quota).await.allowed, "{key:?}");
    }
    for key in keys {
        assert!(!limiter.charge(key, quota).await.allowed, "{key:?}");
    }
}

pub async fn buckets_of_an_account_do_not_share_tokens<B: Backend>() {
    let limiter = B::start().await.limiter();
    let quota = one_in(HOUR, 1);
    for bucket in Bucket::ALL {
        assert!(limiter.charge(LimitKey::Account(OLIVE, *bucket), quota).await.allowed, "{bucket}");
    }
    for bucket in Bucket::ALL {
        assert!(!limiter.charge(LimitKey::Account(OLIVE, *bucket), quota).await.allowed, "{bucket}");
    }
}

/// So a quota that staff has changed begins with a full bucket, and the old one is as it was when it comes back.
pub async fn quotas_of_one_key_are_counted_apart<B: Backend>() {
    let limiter = B::start().await.limiter();
    let (usual, changed) = (one_in(HOUR, 2), one_in(HOUR, 3));
    empty(&*limiter, usual).await;
    assert_eq!(limiter.charge(KEY, changed).await.remaining, 2);
    assert!(!limiter.charge(KEY, usual).await.allowed);
    assert_eq!(limiter.charge(KEY, changed).await.remaining, 1);
}

pub async fn the_numbers_are_right_at_whole_tokens<B: Backend>() {
    let backend = B::start().await;
    let (limiter, quota) = (backend.limiter(), one_in(2 * SECOND, 3));
    // A limiter may tell `full_after` in whole tokens when it allows.
    let coarse = 2 * SECOND;
    for (left, missing) in [(2, 1), (1, 2), (0, 3)] {
        let verdict = limiter.charge(KEY, quota).await;
        assert_eq!(verdict.remaining, left);
        assert_about(&backend, verdict.full_after, 2 * SECOND * missing, coarse);
    }
    let refused = limiter.charge(KEY, quota).await;
    assert_about(&backend, refused.full_after, 6 * SECOND, Duration::ZERO);
    backend.pass(4 * SECOND).await;
    let verdict = limiter.charge(KEY, quota).await;
    assert_eq!((verdict.allowed, verdict.remaining), (true, 1));
    assert_about(&backend, verdict.full_after, 4 * SECOND, coarse);
}

pub async fn the_numbers_are_right_between_tokens<B: Backend>() {
    let backend = B::start().await;
    let (limiter, quota) = (backend.limiter(), one_in(2 * SECOND, 3));
    assert_eq!(limiter.charge(KEY, quota).await.remaining, 2);
    backend.pass(SECOND).await;
    // Half a token has come back: it is not told, and not lost.
    let verdict = limiter.charge(KEY, quota).await;
    assert_eq!(verdict.remaining, 1);
    assert_about(&backend, verdict.full_after, 3 * SECOND, 2 * SECOND);
    backend.pass(SECOND).await;
    assert_eq!(limiter.charge(KEY, quota).await.remaining, 1);
}

pub async fn chargers_at_once_never_get_more_than_the_capacity<B: Backend>() {
    let limiter = B::start().await.limiter();
    let quota = one_in(HOUR, 10);
    let charges = (0..32).map(|_| {
        let limiter = limiter.clone();
        tokio::spawn(async move { limiter.charge(KEY, quota).await })
    });
    let mut left = Vec::new();
    for charge in charges.collect::<Vec<_>>() {
        let verdict = charge.await.ok();
        left.extend(verdict.filter(|verdict| verdict.allowed).map(|verdict| verdict.remaining));
    }
    left.sort_unstable();
    assert_eq!(left, (0..10).collect::<Vec<_>>(), "each token is given once");
}

/// Staff may override a bucket with any numbers.
pub async fn absurd_quotas_are_counted<B: Backend>() {
    let limiter = B::start().await.limiter();
    let periods = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];
    for (capacity, refill) in [(1, 1), (1, u32::MAX), (u32::MAX, 1), (u32::MAX, u32::MAX)] {
        for period in periods {
            let verdict = limiter.charge(KEY, Quota::new(capacity, refill, period)).await;
            assert!(verdict.allowed, "{capacity} and {refill} in {period:?}");
        }
    }
}
