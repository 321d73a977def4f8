-- Ids are UUIDs of version 7, so their order is the order of time. Times have milliseconds.
-- Words (tier, role, …) are text in the spelling of the wire. Digests are SHA-256.

CREATE TABLE accounts (
    id                      uuid        NOT NULL PRIMARY KEY,
    email                   text        NOT NULL,
    name                    text,
    tier                    text        NOT NULL,
    status                  text        NOT NULL,
    staff                   boolean     NOT NULL,
    time_zone               text,
    slug                    text,
    region                  text,
    onboarding_completed_at timestamptz,
    password_hash           text        NOT NULL,
    email_verified_at       timestamptz,
    created_at              timestamptz NOT NULL,
    updated_at              timestamptz NOT NULL,
    -- Counts the commits on the account's workspace. With the two below it is the lock, the guard and the head of the log.
    revision                bigint      NOT NULL DEFAULT 0,
    audit_seq               bigint      NOT NULL DEFAULT 0,
    audit_hash              bytea       NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(audit_hash) = 32)
);

-- Both are folded before they get here, so equality of the text is equality of the thing.
CREATE UNIQUE INDEX accounts_email_key ON accounts (email);
CREATE UNIQUE INDEX accounts_slug_key ON accounts (slug) WHERE slug IS NOT NULL;

CREATE TABLE teams (
    id         uuid        NOT NULL PRIMARY KEY,
    owner      uuid        NOT NULL REFERENCES accounts (id),
    name       text        NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX teams_owner_key ON teams (owner);

CREATE TABLE memberships (
    id          uuid        NOT NULL PRIMARY KEY,
    owner       uuid        NOT NULL REFERENCES accounts (id),
    member      uuid        NOT NULL REFERENCES accounts (id),
    role        text        NOT NULL,
    invited_at  timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    invited_by  uuid        REFERENCES accounts (id),
    removed_at  timestamptz,
    CHECK (owner <> member)
);

CREATE UNIQUE INDEX memberships_active_key ON memberships (owner, member) WHERE removed_at IS NULL;
CREATE INDEX memberships_of_owner ON memberships (owner, id) WHERE removed_at IS NULL;
CREATE INDEX memberships_of_member ON memberships (member, id) WHERE removed_at IS NULL;

CREATE TABLE invites (
    id          uuid        NOT NULL PRIMARY KEY,
    owner       uuid        NOT NULL REFERENCES accounts (id),
    email       text        NOT NULL,
    role        text        NOT NULL,
    token       bytea       NOT NULL CHECK (octet_length(token) = 32),
    invited_by  uuid        REFERENCES accounts (id),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    accepted_at timestamptz,
    voided_at   timestamptz
);

CREATE UNIQUE INDEX invites_token_key ON invites (token);
CREATE UNIQUE INDEX invites_open_key ON invites (owner, email) WHERE accepted_at IS NULL AND voided_at IS NULL;
CREATE INDEX invites_open_of_owner ON invites (owner, id) WHERE accepted_at IS NULL AND voided_at IS NULL;

CREATE TABLE api_keys (
    id           uuid        NOT NULL PRIMARY KEY,
    account      uuid        NOT NULL REFERENCES accounts (id),
    name         text        NOT NULL,
    digest       bytea       NOT NULL CHECK (octet_length(digest) = 32),
    shown_prefix text        NOT NULL,
    -- The words, with a space between them.
    scopes       text        NOT NULL,
    minted_by    uuid        NOT NULL REFERENCES accounts (id),
    minted_with  text,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);

CREATE UNIQUE INDEX api_keys_digest_key ON api_keys (digest);
CREATE INDEX api_keys_of_account ON api_keys (account, id);
CREATE INDEX api_keys_in_hands ON api_keys (account, minted_by) WHERE revoked_at IS NULL;

CREATE TABLE web_sessions (
    id           uuid        NOT NULL PRIMARY KEY,
    account      uuid        NOT NULL REFERENCES accounts (id),
    generation   integer     NOT NULL,
    os           text        NOT NULL,
    browser      text        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    last_used_at timestamptz
);

CREATE INDEX web_sessions_of_account ON web_sessions (account, id);

-- Single-use links that verify an address.
CREATE TABLE links (
    id         uuid        NOT NULL PRIMARY KEY,
    account    uuid        NOT NULL REFERENCES accounts (id),
    token      bytea       NOT NULL CHECK (octet_length(token) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    voided_at  timestamptz
);

CREATE UNIQUE INDEX links_token_key ON links (token);
CREATE UNIQUE INDEX links_live_key ON links (account) WHERE used_at IS NULL AND voided_at IS NULL;

-- Addresses, not accounts: noting a request must not depend on whether there is an account.
CREATE TABLE link_requests (
    id    uuid        NOT NULL PRIMARY KEY,
    email text        NOT NULL,
    at    timestamptz NOT NULL
);

CREATE TABLE audit_entries (
    account          uuid        NOT NULL REFERENCES accounts (id),
    seq              bigint      NOT NULL CHECK (seq > 0),
    id               uuid        NOT NULL,
    at               timestamptz NOT NULL,
    actor_type       text        NOT NULL,
    actor_account    uuid,
    actor_credential text,
    action           text COLLATE "C" NOT NULL,
    target           text,
    payload          text        NOT NULL CHECK (payload::jsonb IS NOT NULL),
    prev_hash        bytea       NOT NULL CHECK (octet_length(prev_hash) = 32),
    hash             bytea       NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (account, seq)
);

CREATE UNIQUE INDEX audit_entries_id_key ON audit_entries (id);

-- What is on the log stays on it, whoever asks.
CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an audit entry is never %', lower(TG_OP) || 'd';
END $$;

CREATE TRIGGER audit_entries_are_not_changed_or_removed BEFORE UPDATE OR DELETE ON audit_entries
FOR EACH ROW EXECUTE FUNCTION audit_entries_stay();

CREATE TRIGGER audit_entries_are_not_emptied BEFORE TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_stay();

CREATE TABLE mails (
    id        uuid        NOT NULL PRIMARY KEY,
    recipient text        NOT NULL,
    content   text        NOT NULL CHECK (content::jsonb IS NOT NULL),
    -- Sealed. Forgotten once the mail is sent.
    token     bytea,
    at        timestamptz NOT NULL,
    attempts  integer     NOT NULL DEFAULT 0,
    -- When it may be claimed next. Neither due nor sent: dead.
    due_at    timestamptz,
    sent_at   timestamptz,
    problem   text
);

CREATE INDEX mails_due ON mails (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX mails_dead ON mails (id) WHERE due_at IS NULL AND sent_at IS NULL;

-- The optional mails that an account has declined; what is not here is wanted.
CREATE TABLE declined_mails (
    account uuid        NOT NULL REFERENCES accounts (id),
    mail    text        NOT NULL,
    PRIMARY KEY (account, mail)
);
