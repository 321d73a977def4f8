CREATE TABLE profiles (
    id           uuid        NOT NULL PRIMARY KEY,
    account      uuid        NOT NULL REFERENCES accounts (id),
    created_by   uuid        NOT NULL REFERENCES accounts (id),
    created_with text        NOT NULL,
    name         text        NOT NULL,
    archetype    text        NOT NULL,
    description  text,
    metadata     text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    -- Then description and metadata are gone.
    deleted_at   timestamptz
);

CREATE INDEX profiles_of_account ON profiles (account, id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX profiles_name_key ON profiles (account, name) WHERE deleted_at IS NULL;

CREATE TABLE sessions (
    id           uuid        NOT NULL PRIMARY KEY,
    account      uuid        NOT NULL REFERENCES accounts (id),
    created_by   uuid        NOT NULL REFERENCES accounts (id),
    created_with text        NOT NULL,
    archetype    text        NOT NULL,
    purpose      text        NOT NULL,
    label        text,
    -- A JSON object of the customer's, that nobody here looks into.
    metadata     text,
    behavior     text,
    profile      uuid        REFERENCES profiles (id),
    created_at   timestamptz NOT NULL,
    destroyed_at timestamptz
);

CREATE INDEX sessions_of_account ON sessions (account, id);
-- For the reference above: whoever deletes a profile would read all sessions of everybody.
CREATE INDEX sessions_of_profile ON sessions (profile) WHERE profile IS NOT NULL;
-- Counted whenever one begins, so it holds no others.
CREATE INDEX sessions_running ON sessions (account, profile) WHERE destroyed_at IS NULL;

-- What sessions that have ended have lasted, by the day in UTC on which a minute began, counted from 1970-01-01.
CREATE TABLE usage_days (
    account         uuid    NOT NULL REFERENCES accounts (id),
    day             integer NOT NULL,
    session_minutes bigint  NOT NULL CHECK (session_minutes > 0),
    PRIMARY KEY (account, day)
);
