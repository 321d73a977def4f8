-- Ids are UUIDs as 16 bytes, so that the order of the bytes is the order of time. Times are milliseconds since 1970.
-- Words (tier, role, …) are text in the spelling of the wire. Digests are SHA-256.

CREATE TABLE accounts (
    id                      BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email                   TEXT    NOT NULL,
    name                    TEXT,
    tier                    TEXT    NOT NULL,
    status                  TEXT    NOT NULL,
    staff                   INTEGER NOT NULL CHECK (staff IN (0, 1)),
    time_zone               TEXT,
    slug                    TEXT,
    region                  TEXT,
    onboarding_completed_at INTEGER,
    password_hash           TEXT    NOT NULL,
    email_verified_at       INTEGER,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL,
    -- Counts the commits on the account's workspace. With the two below it is the lock, the guard and the head of the log.
    revision                INTEGER NOT NULL DEFAULT 0,
    audit_seq               INTEGER NOT NULL DEFAULT 0,
    audit_hash              BLOB    NOT NULL DEFAULT (zeroblob(32)) CHECK (length(audit_hash) = 32)
) STRICT, WITHOUT ROWID;

-- Both are folded before they get here, so equality of the text is equality of the thing.
CREATE UNIQUE INDEX accounts_email_key ON accounts (email);
CREATE UNIQUE INDEX accounts_slug_key ON accounts (slug) WHERE slug IS NOT NULL;

CREATE TABLE teams (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner      BLOB    NOT NULL REFERENCES accounts (id),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX teams_owner_key ON teams (owner);

CREATE TABLE memberships (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner       BLOB    NOT NULL REFERENCES accounts (id),
    member      BLOB    NOT NULL REFERENCES accounts (id),
    role        TEXT    NOT NULL,
    invited_at  INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    invited_by  BLOB    REFERENCES accounts (id),
    removed_at  INTEGER,
    CHECK (owner <> member)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX memberships_active_key ON memberships (owner, member) WHERE removed_at IS NULL;
CREATE INDEX memberships_of_owner ON memberships (owner, id) WHERE removed_at IS NULL;
CREATE INDEX memberships_of_member ON memberships (member, id) WHERE removed_at IS NULL;

CREATE TABLE invites (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner       BLOB    NOT NULL REFERENCES accounts (id),
    email       TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    token       BLOB    NOT NULL CHECK (length(token) = 32),
    invited_by  BLOB    REFERENCES accounts (id),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    accepted_at INTEGER,
    voided_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX invites_token_key ON invites (token);
CREATE UNIQUE INDEX invites_open_key ON invites (owner, email) WHERE accepted_at IS NULL AND voided_at IS NULL;
CREATE INDEX invites_open_of_owner ON invites (owner, id) WHERE accepted_at IS NULL AND voided_at IS NULL;

CREATE TABLE api_keys (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account      BLOB    NOT NULL REFERENCES accounts (id),
    name         TEXT    NOT NULL,
    digest       BLOB    NOT NULL CHECK (length(digest) = 32),
    shown_prefix TEXT    NOT NULL,
    -- The words, with a space between them.
    scopes       TEXT    NOT NULL,
    minted_by    BLOB    NOT NULL REFERENCES accounts (id),
    minted_with  TEXT,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX api_keys_digest_key ON api_keys (digest);
CREATE INDEX api_keys_of_account ON api_keys (account, id);
CREATE INDEX api_keys_in_hands ON api_keys (account, minted_by) WHERE revoked_at IS NULL;

CREATE TABLE web_sessions (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account      BLOB    NOT NULL REFERENCES accounts (id),
    generation   INTEGER NOT NULL,
    os           TEXT    NOT NULL,
    browser      TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX web_sessions_of_account ON web_sessions (account, id);

-- Single-use links that verify an address.
CREATE TABLE links (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account    BLOB    NOT NULL REFERENCES accounts (id),
    token      BLOB    NOT NULL CHECK (length(token) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    voided_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX links_token_key ON links (token);
CREATE UNIQUE INDEX links_live_key ON links (account) WHERE used_at IS NULL AND voided_at IS NULL;

-- Addresses, not accounts: noting a request must not depend on whether there is an account.
CREATE TABLE link_requests (
    id    BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email TEXT    NOT NULL,
    at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_entries (
    account          BLOB    NOT NULL REFERENCES accounts (id),
    seq              INTEGER NOT NULL CHECK (seq > 0),
    id               BLOB    NOT NULL CHECK (length(id) = 16),
    at               INTEGER NOT NULL,
    actor_type       TEXT    NOT NULL,
    actor_account    BLOB,
    actor_credential TEXT,
    action           TEXT    NOT NULL,
    target           TEXT,
    payload          TEXT    NOT NULL CHECK (json_valid(payload)),
    prev_hash        BLOB    NOT NULL CHECK (length(prev_hash) = 32),
    hash             BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (account, seq)
) STRICT;

CREATE UNIQUE INDEX audit_entries_id_key ON audit_entries (id);

-- What is on the log stays on it, whoever asks.
CREATE TRIGGER audit_entries_are_not_changed BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never changed');
END;

CREATE TRIGGER audit_entries_are_not_removed BEFORE DELETE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never removed');
END;

-- `INSERT OR REPLACE` removes the row in its way without asking the trigger above.
CREATE TRIGGER audit_entries_are_not_replaced BEFORE INSERT ON audit_entries
WHEN EXISTS (SELECT 1 FROM audit_entries WHERE account = NEW.account AND seq = NEW.seq)
    OR EXISTS (SELECT 1 FROM audit_entries WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never replaced');
END;

CREATE TABLE mails (
    id        BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    recipient TEXT    NOT NULL,
    content   TEXT    NOT NULL CHECK (json_valid(content)),
    -- Sealed. Forgotten once the mail is sent.
    token     BLOB,
    at        INTEGER NOT NULL,
    attempts  INTEGER NOT NULL DEFAULT 0,
    -- When it may be claimed next. Neither due nor sent: dead.
    due_at    INTEGER,
    sent_at   INTEGER,
    problem   TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX mails_due ON mails (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX mails_dead ON mails (id) WHERE due_at IS NULL AND sent_at IS NULL;

-- The optional mails that an account has declined; what is not here is wanted.
CREATE TABLE declined_mails (
    account BLOB NOT NULL REFERENCES accounts (id),
    mail    TEXT NOT NULL,
    PRIMARY KEY (account, mail)
) STRICT, WITHOUT ROWID;
