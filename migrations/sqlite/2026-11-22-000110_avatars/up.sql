-- A row for every picture that may be in the blob store: it is written before the picture is put there.
CREATE TABLE avatars (
    -- `<uuid>.<type>`, as it is called in the blob store.
    key      TEXT    NOT NULL PRIMARY KEY,
    account  BLOB    NOT NULL REFERENCES accounts (id),
    -- Null: the account points at it. Otherwise the sweeper takes it from then on, and nobody can point at it once it has.
    sweep_at INTEGER,
    sweeps   INTEGER NOT NULL DEFAULT 0,
    CHECK (sweep_at IS NOT NULL OR sweeps = 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX avatars_to_sweep ON avatars (sweep_at, key) WHERE sweep_at IS NOT NULL;

ALTER TABLE accounts ADD COLUMN avatar TEXT REFERENCES avatars (key);

-- One picture is one account's. The sweeper looks here, too, before a row may go.
CREATE UNIQUE INDEX accounts_avatar_key ON accounts (avatar) WHERE avatar IS NOT NULL;
