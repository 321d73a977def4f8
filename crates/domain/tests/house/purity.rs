//! Who depends on whom. A runtime, a database or a source of randomness in the domain crate would compile; here it fails.

use std::{collections::BTreeSet, process::Command};

/// What the domain crate must not reach, whole families by their first letters.
const FORBIDDEN: [&str; 13] = [
    "actix",
    "diesel",
    "getrandom",
    "governor",
    "hyper",
    "lettre",
    "libsqlite3-sys",
    "pasetors",
    "rand",
    "redis",
    "reqwest",
    "rusqlite",
    "tokio",
];

const HOUSE: &str = "driftstack-";

#[test]
fn the_domain_reaches_no_runtime_no_database_and_no_randomness() {
    let tree = normal_dependencies("driftstack-domain");
    assert!(tree.contains("serde"), "`cargo tree` was misread: {tree:?}");
    let impure: Vec<_> = tree.iter().filter(|name| is_forbidden(name)).collect();
    assert!(impure.is_empty(), "the domain crate depends on {impure:?}; what they do belongs behind a port");
}

#[test]
fn adapters_know_the_domain_and_not_each_other() {
    for adapter in [
        "driftstack-blob",
        "driftstack-courier",
        "driftstack-limiter",
        "driftstack-mailer",
        "driftstack-picture",
        "driftstack-seal",
        "driftstack-store",
    ] {
        let house: Vec<_> = normal_dependencies(adapter).into_iter().filter(|name| name.starts_with(HOUSE)).collect();
        assert_eq!(house, ["driftstack-domain"], "of the crates of this house, `{adapter}` may know only the domain");
    }
}

#[test]
fn a_family_is_told_from_a_namesake() {
    assert!(["tokio", "tokio-util", "rand", "rand_core", "actix-web", "diesel_derives"].into_iter().all(is_forbidden));
    assert!(!["random_color", "hyperloglog"].into_iter().any(is_forbidden));
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN
        .iter()
        .any(|family| name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_'])))
}

/// What is linked into a build of this package alone: no features of other members, no build scripts, no tests.
fn normal_dependencies(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"])
        .args(["--package", package])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo, which built this test, runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != package).map(str::to_owned).collect()
}
