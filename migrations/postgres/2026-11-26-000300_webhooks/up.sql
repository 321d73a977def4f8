-- URLs that are told what happens on an account.
CREATE TABLE webhook_endpoints (
    id                   uuid NOT NULL PRIMARY KEY,
    account              uuid NOT NULL REFERENCES accounts (id),
    url                  text NOT NULL,
    -- Sealed, bound to the row. Null: the endpoint is deleted.
    secret               bytea,
    secret_prefix        text NOT NULL,
    -- The secret before it, which signs along until then.
    old_secret           bytea,
    old_secret_prefix    text,
    old_secret_until     timestamptz,
    -- The types, with a space between them.
    events               text NOT NULL,
    description          text,
    active               boolean NOT NULL,
    delivered            bigint NOT NULL DEFAULT 0,
    failed               bigint NOT NULL DEFAULT 0,
    dlq                  bigint NOT NULL DEFAULT 0,
    consecutive_failures bigint NOT NULL DEFAULT 0,
    last_success_at      timestamptz,
    last_failure_at      timestamptz,
    disabled_at          timestamptz,
    created_at           timestamptz NOT NULL,
    -- The number of the newest delivery.
    last_seq             bigint NOT NULL DEFAULT 0,
    -- When something is to be delivered; null: nothing, or not now.
    due_at               timestamptz,
    -- Who delivers, and nobody else before then.
    lease                uuid,
    leased_until         timestamptz NOT NULL,
    CHECK ((secret IS NULL) = (disabled_at IS NOT NULL)),
    CHECK (disabled_at IS NULL OR NOT active),
    CHECK (active OR due_at IS NULL),
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL)),
    CHECK ((old_secret IS NULL) = (old_secret_prefix IS NULL))
);

CREATE INDEX webhook_endpoints_of_account ON webhook_endpoints (account, id) WHERE disabled_at IS NULL;
CREATE INDEX webhook_endpoints_due ON webhook_endpoints (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_endpoints_rotating ON webhook_endpoints (old_secret_until) WHERE old_secret_until IS NOT NULL;

-- What has happened on an account, if anybody wanted to hear of it.
CREATE TABLE webhook_events (
    id      uuid NOT NULL PRIMARY KEY,
    account uuid NOT NULL REFERENCES accounts (id),
    kind    text NOT NULL,
    at      timestamptz NOT NULL,
    -- A JSON object.
    data    text NOT NULL
);

CREATE INDEX webhook_events_of_account ON webhook_events (account);

-- An event on its way to one endpoint.
CREATE TABLE webhook_deliveries (
    id               uuid NOT NULL PRIMARY KEY,
    endpoint         uuid NOT NULL REFERENCES webhook_endpoints (id),
    event            uuid NOT NULL REFERENCES webhook_events (id),
    -- From 1 for each endpoint, in the order of the commits.
    seq              bigint NOT NULL,
    status           text NOT NULL,
    attempts         integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz NOT NULL,
    response_status  integer,
    response_excerpt text,
    error            text,
    -- When it was delivered or given up.
    settled_at       timestamptz,
    created_at       timestamptz NOT NULL
);

CREATE UNIQUE INDEX webhook_deliveries_seq_key ON webhook_deliveries (endpoint, seq);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (endpoint, status, seq);
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (endpoint, status, next_attempt_at, seq);
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint) WHERE settled_at IS NULL;
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE settled_at IS NOT NULL;
