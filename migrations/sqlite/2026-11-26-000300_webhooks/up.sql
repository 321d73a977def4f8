-- URLs that are told what happens on an account.
CREATE TABLE webhook_endpoints (
    id                   BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account              BLOB NOT NULL REFERENCES accounts (id),
    url                  TEXT NOT NULL,
    -- Sealed, bound to the row. Null: the endpoint is deleted.
    secret               BLOB,
    secret_prefix        TEXT NOT NULL,
    -- The secret before it, which signs along until then.
    old_secret           BLOB,
    old_secret_prefix    TEXT,
    old_secret_until     INTEGER,
    -- The types, with a space between them.
    events               TEXT NOT NULL,
    description          TEXT,
    active               INTEGER NOT NULL,
    delivered            INTEGER NOT NULL DEFAULT 0,
    failed               INTEGER NOT NULL DEFAULT 0,
    dlq                  INTEGER NOT NULL DEFAULT 0,
    consecutive_failures INTEGER NOT NULL DEFAULT 0,
    last_success_at      INTEGER,
    last_failure_at      INTEGER,
    disabled_at          INTEGER,
    created_at           INTEGER NOT NULL,
    -- The number of the newest delivery.
    last_seq             INTEGER NOT NULL DEFAULT 0,
    -- When something is to be delivered; null: nothing, or not now.
    due_at               INTEGER,
    -- Who delivers, and nobody else before then.
    lease                BLOB,
    leased_until         INTEGER NOT NULL,
    CHECK ((secret IS NULL) = (disabled_at IS NOT NULL)),
    CHECK (disabled_at IS NULL OR NOT active),
    CHECK (active OR due_at IS NULL),
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL)),
    CHECK ((old_secret IS NULL) = (old_secret_prefix IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_endpoints_of_account ON webhook_endpoints (account, id) WHERE disabled_at IS NULL;
CREATE INDEX webhook_endpoints_due ON webhook_endpoints (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_endpoints_rotating ON webhook_endpoints (old_secret_until) WHERE old_secret_until IS NOT NULL;

-- What has happened on an account, if anybody wanted to hear of it.
CREATE TABLE webhook_events (
    id      BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account BLOB NOT NULL REFERENCES accounts (id),
    kind    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    -- A JSON object.
    data    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_events_of_account ON webhook_events (account);

-- An event on its way to one endpoint.
CREATE TABLE webhook_deliveries (
    id               BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    endpoint         BLOB NOT NULL REFERENCES webhook_endpoints (id),
    event            BLOB NOT NULL REFERENCES webhook_events (id),
    -- From 1 for each endpoint, in the order of the commits.
    seq              INTEGER NOT NULL,
    status           TEXT NOT NULL,
    attempts         INTEGER NOT NULL DEFAULT 0,
    next_attempt_at  INTEGER NOT NULL,
    response_status  INTEGER,
    response_excerpt TEXT,
    error            TEXT,
    -- When it was delivered or given up.
    settled_at       INTEGER,
    created_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX webhook_deliveries_seq_key ON webhook_deliveries (endpoint, seq);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (endpoint, status, seq);
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (endpoint, status, next_attempt_at, seq);
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint) WHERE settled_at IS NULL;
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE settled_at IS NOT NULL;
