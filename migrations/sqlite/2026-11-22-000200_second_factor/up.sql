-- A link is for one thing, and of each kind an account has one that is live.
ALTER TABLE links ADD COLUMN kind TEXT NOT NULL DEFAULT 'verification';
DROP INDEX links_live_key;
CREATE UNIQUE INDEX links_live_key ON links (account, kind) WHERE used_at IS NULL AND voided_at IS NULL;
ALTER TABLE link_requests ADD COLUMN kind TEXT NOT NULL DEFAULT 'verification';

-- An account has one second factor at the most. Its secret is sealed and bound to the row's id.
CREATE TABLE factors (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account      BLOB    NOT NULL REFERENCES accounts (id),
    secret       BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    enrolled_at  INTEGER,
    -- The newest time step whose code was accepted.
    last_step    INTEGER,
    last_used_at INTEGER,
    -- Wrong answers since the first one that counts.
    wrong        INTEGER NOT NULL DEFAULT 0,
    wrong_since  INTEGER,
    paused_until INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX factors_account_key ON factors (account);

-- Fingerprints, taken with a key that is not in the database.
CREATE TABLE recovery_codes (
    factor  BLOB    NOT NULL REFERENCES factors (id),
    digest  BLOB    NOT NULL CHECK (length(digest) = 32),
    used_at INTEGER,
    PRIMARY KEY (factor, digest)
) STRICT, WITHOUT ROWID;

-- Somebody has shown the first factor and must show the second.
CREATE TABLE challenges (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account     BLOB    NOT NULL REFERENCES accounts (id),
    token       BLOB    NOT NULL CHECK (length(token) = 32),
    -- A fingerprint of the address that may answer.
    address     BLOB    NOT NULL CHECK (length(address) = 32),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    answered_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX challenges_token_key ON challenges (token);
CREATE INDEX challenges_of_account ON challenges (account);
