-- Creations that may be asked for again, by the digest of who asks, for what, and under which key.
CREATE TABLE idempotency (
    slot         BLOB    NOT NULL PRIMARY KEY CHECK (length(slot) = 32),
    -- The request that runs, or has run.
    holder       BLOB    NOT NULL CHECK (length(holder) = 16),
    -- Digest of what was asked for.
    request      BLOB    NOT NULL CHECK (length(request) = 32),
    -- Without an answer by then: the holder is gone.
    leased_until INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    -- Sealed.
    answer       BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_expiry ON idempotency (expires_at);
