//! `UsageStore`.

use std::{collections::BTreeMap, time::Duration};

use driftstack_domain::{
    access::Permit,
    page::{Limit, PageRequest},
    policy::action::DestroySession,
    session::SessionStore as _,
    tier::Tier,
    time::{DAY, HOUR, MINUTE},
    usage::{Day, UsageStore as _, minutes_by_day},
};

use super::sessions::{begin, end, on};
use crate::{
    backend::Backend,
    world::{World, race},
};

/// What is kept by day is what the sessions say.
pub async fn the_days_are_those_of_the_sessions<B: Backend>(backend: B) {
    let world = World::new(backend);
    let (olive, bo) = (on(&world, "olive", Tier::ApiScale).await, world.person("bo").await);
    begin(&world, &bo).await;
    let mut running = Vec::new();
    for step in 0..12_u32 {
        running.push(begin(&world, &olive).await.id);
        world.clock.advance(HOUR * 5 + MINUTE * step + Duration::from_millis(7));
        if step % 3 != 0 {
            end(&world, &olive, running.remove(0)).await;
        }
    }
    let page = PageRequest { limit: Limit::new(100).unwrap(), after: None };
    let mut expected = BTreeMap::<i32, i64>::new();
    for session in world.store.sessions(olive.id, page).await.unwrap().rows {
        for it in minutes_by_day(session.created_at, session.destroyed_at.unwrap_or(world.now())) {
            *expected.entry(it.day.number()).or_default() += it.minutes;
        }
    }
    let olives = world.permit(&olive).await;
    let series = world.usage().series(&olives, "90".parse().unwrap()).await.unwrap();
    let counted: BTreeMap<_, _> =
        series.iter().filter(|it| it.minutes > 0).map(|it| (it.day.number(), it.minutes)).collect();
    assert_eq!(counted, expected);
    assert_eq!(series.len(), 90);
    let total: i64 = expected.values().sum();
    assert_eq!(world.usage().period(&world.permit(&olive).await).await.unwrap().session_minutes, total);
}

pub async fn only_the_days_that_are_wanted_are_read<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::ApiScale).await;
    let first = Day::of(world.now());
    for _ in 0..4 {
        let session = begin(&world, &olive).await;
        world.clock.advance(MINUTE * 2);
        end(&world, &olive, session.id).await;
        world.clock.advance(DAY);
    }
    let seen = world.store.seen_usage(olive.id, first.plus(1)..=first.plus(2)).await.unwrap();
    let mut days: Vec<_> = seen.ended.iter().map(|it| (it.day.number() - first.number(), it.minutes)).collect();
    days.sort_unstable();
    assert_eq!((days, seen.running_since), (vec![(1, 2), (2, 2)], Vec::new()));
}

/// A session is among those that run or among those that have ended, whenever somebody looks.
pub async fn no_minute_is_lost_or_counted_twice_while_sessions_end<B: Backend>(backend: B) {
    let world = World::new(backend);
    let olive = on(&world, "olive", Tier::ApiScale).await;
    let mut ids = Vec::new();
    for _ in 0..24 {
        ids.push(begin(&world, &olive).await.id);
    }
    world.clock.advance(HOUR);
    let run = async |n: usize| {
        if n < 4 {
            for id in &ids[n * 6..(n + 1) * 6] {
                let destroy = async |permit: Permit<DestroySession>| world.sessions().destroy(&permit, *id).await;
                world.call(olive.presented, None, destroy).await.unwrap();
            }
        } else {
            for _ in 0..30 {
                let period = world.usage().period(&world.permit(&olive).await).await.unwrap();
                assert_eq!(period.session_minutes, 24 * 60);
            }
        }
    };
    race(6, run).await;
}
