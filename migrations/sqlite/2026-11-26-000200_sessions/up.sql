CREATE TABLE profiles (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account      BLOB    NOT NULL REFERENCES accounts (id),
    created_by   BLOB    NOT NULL REFERENCES accounts (id),
    created_with TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    archetype    TEXT    NOT NULL,
    description  TEXT,
    metadata     TEXT,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    -- Then description and metadata are gone.
    deleted_at   INTEGER
) STRICT;

CREATE INDEX profiles_of_account ON profiles (account, id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX profiles_name_key ON profiles (account, name) WHERE deleted_at IS NULL;

CREATE TABLE sessions (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account      BLOB    NOT NULL REFERENCES accounts (id),
    created_by   BLOB    NOT NULL REFERENCES accounts (id),
    created_with TEXT    NOT NULL,
    archetype    TEXT    NOT NULL,
    purpose      TEXT    NOT NULL,
    label        TEXT,
    -- A JSON object of the customer's, that nobody here looks into.
    metadata     TEXT,
    behavior     TEXT,
    profile      BLOB    REFERENCES profiles (id),
    created_at   INTEGER NOT NULL,
    destroyed_at INTEGER
) STRICT;

CREATE INDEX sessions_of_account ON sessions (account, id);
-- For the reference above: whoever deletes a profile would read all sessions of everybody.
CREATE INDEX sessions_of_profile ON sessions (profile) WHERE profile IS NOT NULL;
-- Counted whenever one begins, so it holds no others.
CREATE INDEX sessions_running ON sessions (account, profile) WHERE destroyed_at IS NULL;

-- What sessions that have ended have lasted, by the day in UTC on which a minute began, counted from 1970-01-01.
CREATE TABLE usage_days (
    account         BLOB    NOT NULL REFERENCES accounts (id),
    day             INTEGER NOT NULL,
    session_minutes INTEGER NOT NULL CHECK (session_minutes > 0),
    PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;
