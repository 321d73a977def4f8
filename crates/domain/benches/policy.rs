//! What one question to the policy costs. The bars stand in `docs/performance.md`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use driftstack_domain::{
    policy::{Action, Scope, ScopeSet, Standing, decide},
    testing::people,
};

fn policy(criterion: &mut Criterion) {
    let admin = people::access(ScopeSet::of(&[Scope::AccountOwner]), Standing::Admin);
    let reader = people::access(ScopeSet::of(&[Scope::Read]), Standing::Owner);
    let mut group = criterion.benchmark_group("policy");
    group.bench_function("allowed", |bencher| {
        bencher.iter(|| decide(black_box(&admin), black_box(Action::MintKey)));
    });
    group.bench_function("refused", |bencher| {
        bencher.iter(|| decide(black_box(&reader), black_box(Action::SetPreference)));
    });
    group.bench_function("refused, in words", |bencher| {
        bencher.iter(|| decide(black_box(&reader), black_box(Action::SetPreference)).map_err(|why| why.to_string()));
    });
    group.finish();
}

criterion_group!(benches, policy);
criterion_main!(benches);
