//! What staff change while others act.

use driftstack_domain::{
    access::{CallerStore as _, Permit},
    limit::Bucket,
    policy::action::{SetOverride, SetTier},
    staff::{OverrideOrder, StaffStore as _},
    tier::{Tier, effective_quota},
};

use super::wins;
use crate::{
    backend::Backend,
    world::{World, race},
};

pub async fn two_staff_set_tiers_at_once<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, sue, olive) = (world.staffer("sam").await, world.staffer("sue").await, world.person("olive").await);
    for round in [[Tier::SoloManual, Tier::ApiScale], [Tier::Free, Tier::Enterprise]] {
        let before = world.log(olive.id).await.len();
        let set = async |n: usize| {
            let by = if n == 0 { &sam } else { &sue };
            let set = async |permit: Permit<SetTier>| world.staff().set_tier(&permit, olive.id, round[n], None).await;
            world.call(by.presented, None, set).await
        };
        let outcomes = race(2, set).await;
        assert_eq!(wins(&outcomes), 2, "{outcomes:?}");
        // Whoever came second saw what the first had done.
        let log = world.log(olive.id).await;
        let changes: Vec<_> =
            log[before..].iter().map(|entry| (&entry.payload["from"], &entry.payload["to"])).collect();
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].1, changes[1].0);
        let tier = world.store.account(olive.id).await.unwrap().unwrap().account.tier;
        assert_eq!(changes[1].1, tier.as_str());
    }
    assert_eq!((world.log(sam.id).await.len(), world.log(sue.id).await.len()), (5, 5));
}

pub async fn a_caller_sees_an_override_whole<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (sam, olive) = (world.staffer("sam").await, world.person("olive").await);
    let run = async |n: usize| {
        for round in 0..20 {
            if n == 0 {
                let order = order_of(round % 2 * 10 + 5);
                let set =
                    async |permit: Permit<SetOverride>| world.staff().set_override(&permit, olive.id, &order).await;
                world.call(sam.presented, None, set).await.unwrap();
            } else {
                let caller = world.store.seen_caller(&olive.presented, None).await.unwrap().unwrap();
                let quota = effective_quota(caller.tier, &caller.overrides, Bucket::Global, world.now());
                let pair = (quota.quota.capacity(), quota.refill_per_second);
                assert!([(60, 1.0), (5, 5.0), (15, 15.0)].contains(&pair), "{pair:?}");
            }
        }
    };
    race(4, run).await;
    assert_eq!(world.log(olive.id).await.len(), 2 + 20);
}

fn order_of(both: u32) -> OverrideOrder {
    OverrideOrder { refill_per_second: f64::from(both).try_into().unwrap(), ..crate::cases::staff::order(both) }
}
