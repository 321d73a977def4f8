-- Creations that may be asked for again, by the digest of who asks, for what, and under which key.
CREATE TABLE idempotency (
    slot         bytea       NOT NULL PRIMARY KEY CHECK (octet_length(slot) = 32),
    -- The request that runs, or has run.
    holder       uuid        NOT NULL,
    -- Digest of what was asked for.
    request      bytea       NOT NULL CHECK (octet_length(request) = 32),
    -- Without an answer by then: the holder is gone.
    leased_until timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    -- Sealed.
    answer       bytea
);

CREATE INDEX idempotency_expiry ON idempotency (expires_at);
