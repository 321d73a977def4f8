-- A link is for one thing, and of each kind an account has one that is live.
ALTER TABLE links ADD COLUMN kind TEXT NOT NULL DEFAULT 'verification';
DROP INDEX links_live_key;
CREATE UNIQUE INDEX links_live_key ON links (account, kind) WHERE used_at IS NULL AND voided_at IS NULL;
ALTER TABLE link_requests ADD COLUMN kind TEXT NOT NULL DEFAULT 'verification';

-- An account has one second factor at the most. Its secret is sealed and bound to the row's id.
CREATE TABLE factors (
    id           UUID        NOT NULL PRIMARY KEY,
    account      UUID        NOT NULL REFERENCES accounts (id),
    secret       BYTEA       NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    enrolled_at  TIMESTAMPTZ,
    -- The newest time step whose code was accepted.
    last_step    BIGINT     ,
    last_used_at TIMESTAMPTZ,
    -- Wrong answers since the first one that counts.
    wrong        INTEGER     NOT NULL DEFAULT 0,
    wrong_since  TIMESTAMPTZ,
    paused_until TIMESTAMPTZ
);

CREATE UNIQUE INDEX factors_account_key ON factors (account);

-- Fingerprints, taken with a key that is not in the database.
CREATE TABLE recovery_codes (
    factor  UUID        NOT NULL REFERENCES factors (id),
    digest  BYTEA       NOT NULL CHECK (octet_length(digest) = 32),
    used_at TIMESTAMPTZ,
    PRIMARY KEY (factor, digest)
);

-- Somebody has shown the first factor and must show the second.
CREATE TABLE challenges (
    id          UUID        NOT NULL PRIMARY KEY,
    account     UUID        NOT NULL REFERENCES accounts (id),
    token       BYTEA       NOT NULL CHECK (octet_length(token) = 32),
    -- A fingerprint of the address that may answer.
    address     BYTEA       NOT NULL CHECK (octet_length(address) = 32),
    created_at  TIMESTAMPTZ NOT NULL,
    expires_at  TIMESTAMPTZ NOT NULL,
    answered_at TIMESTAMPTZ
);

CREATE UNIQUE INDEX challenges_token_key ON challenges (token);
CREATE INDEX challenges_of_account ON challenges (account);
