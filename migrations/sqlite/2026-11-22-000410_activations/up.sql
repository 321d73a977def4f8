-- Devices that wait for a key. The key is minted when it is handed out: none waits here.
CREATE TABLE activations (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- Digest of the device's code and its state together.
    device     BLOB    NOT NULL CHECK (length(device) = 32),
    user_code  BLOB    NOT NULL CHECK (length(user_code) = 32),
    client     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- Whose key it will be, and the sign-in that said so.
    account    BLOB    REFERENCES accounts (id),
    session    BLOB    REFERENCES web_sessions (id),
    CHECK ((account IS NULL) = (session IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX activations_device_key ON activations (device);
CREATE UNIQUE INDEX activations_user_code_key ON activations (user_code);
CREATE INDEX activations_expiry ON activations (expires_at);
