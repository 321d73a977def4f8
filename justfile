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

bench:
    cargo bench --package driftstack-domain --bench policy
    cargo bench --package driftstack-picture --bench bar

# Writes the golden files of the policy anew, to be read as a diff.
policy:
    BLESS=1 cargo test --package driftstack-domain --test house
    git diff --stat -- crates/domain/tests/house/matrix.txt docs/policy.md
