# Everything that must hold.
default: test

# The server, on the embedded defaults.
run *arguments:
    cargo run -- {{arguments}}

# All of it: format, lints, tests, documentation, the published client.
test:
    bash .ci/run

fmt:
    cargo fmt --all

lint:
    cargo clippy --workspace --all-targets -- -D warnings

# The Rust tests alone; arguments select some.
unit *arguments:
    cargo test --workspace {{arguments}}

# The published client against a server of its own; arguments go to pytest.
sdk *arguments:
    apps/driftstack/tests/sdk/run {{arguments}}

# What a request costs beside a bare handler, on a Postgres and a SQLite of its own; `--quick` for a look in a minute.
bench *arguments: bench-build
    .ci/with-postgres sh -c 'target/release/driftstack-bench run --postgres "$DRIFTSTACK_TEST_POSTGRES_URL" "$@"' - {{arguments}}

# The service's memory under many connections for ten minutes, or `--minutes` of them.
soak *arguments: bench-build
    .ci/with-postgres sh -c 'target/release/driftstack-bench soak --postgres "$DRIFTSTACK_TEST_POSTGRES_URL" "$@"' - {{arguments}}

[private]
bench-build:
    cargo build --release --package driftstack --package driftstack-bench

# What a decision of the policy costs.
bench-policy:
    cargo bench --package driftstack-domain --bench policy
    cargo bench --package driftstack-picture --bench bar

# Writes the golden files of the policy anew, to be read as a diff.
policy:
    BLESS=1 cargo test --package driftstack-domain --test house
    git diff --stat -- crates/domain/tests/house/matrix.txt docs/policy.md
